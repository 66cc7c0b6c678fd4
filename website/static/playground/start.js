// Starts the playground, or says why it can't run. No module, so that this much runs everywhere.
(() => {
  const root = document.getElementById("pg-root");
  const why = document.getElementById("pg-why");
  const shows = " The picture shows where the network looks when it says ring.";
  const say = (sentence) => { why.textContent = sentence + shows; };

  if (location.protocol === "file:") {
    say("To play, open this page from a web server: a page opened as a file may not load the network. " +
      "In the folder of the pages, python -m http.server starts one.");
  } else if (typeof WebAssembly !== "object") {
    say("To play, this page needs WebAssembly, which this browser doesn't have or has turned off.");
  } else if (root.dataset.engine !== "yes") {
    say("This copy of the site was built without the engine that runs the network, because npm was missing.");
  } else {
    say("The network is being loaded, 16 MB the first time.");
    import("./main.js")
      .then(({ start }) => start(root))
      .catch((error) => say(`The network could not be loaded (${error.message}).`));
  }
})();
