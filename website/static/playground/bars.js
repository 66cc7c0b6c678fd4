// The probabilities of the classes as bars; the class to explain is chosen among them.

/** Build the bars; `ask` is called with the class that is chosen. */
export function buildBars(classes, ask) {
  const field = document.getElementById("pg-classes");
  const bars = classes.map((name, category) => {
    const label = document.createElement("label");
    label.className = "pg-class";
    label.innerHTML = `<input type="radio" name="pg-class" value="${category}"> <span>${name}</span>` +
      '<span class="pg-bar"><span></span></span><span class="pg-number"></span>';
    const input = label.querySelector("input");
    input.addEventListener("change", () => ask(category));
    field.append(label);
    const [bar, number] = [".pg-bar span", ".pg-number"].map((part) => label.querySelector(part));
    return { input, bar, number };
  });
  return {
    choose(category) { bars[category].input.checked = true; },
    show(probabilities) {
      bars.forEach(({ bar, number }, category) => {
        bar.style.width = `${100 * probabilities[category]}%`;
        number.textContent = probabilities[category].toFixed(2);
      });
    },
  };
}

/** "The network sees a star and a ring." */
export function seen(classes, probabilities) {
  const names = classes.filter((_, category) => probabilities[category] > 0.5)
    .map((name) => `a ${name}`);
  const last = names.pop();
  if (!last) return "The network sees none of its shapes.";
  return `The network sees ${names.length ? `${names.join(", ")} and ` : ""}${last}.`;
}
