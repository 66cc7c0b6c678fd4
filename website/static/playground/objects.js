// The objects of the scene: a handle and a row of controls for each.

import { makeHandle } from "./handles.js";

/** The objects that the page begins with. */
export function firstObjects(world) {
  return world.objects.map(({ shape, ...rest }) => ({
    ...rest,
    category: world.classes.indexOf(shape),
    width: world.part,
    height: world.part,
    shown: true,
  }));
}

/** Build the handles and controls of all objects anew; `changed` is called after each change. */
export function buildObjects(world, objects, changed) {
  const stage = document.getElementById("pg-handles");
  const rows = document.getElementById("pg-objects");
  stage.replaceChildren();
  rows.replaceChildren();
  objects.forEach((object, index) => {
    const handle = makeHandle(stage, object, changed);
    const row = document.getElementById("pg-object").content.cloneNode(true).firstElementChild;
    row.querySelector("legend").textContent = `Object ${index + 1}`;
    const { shown, category, pattern, colour } = row.elements;
    fill(category, world.classes);
    fill(pattern, world.patternNames);
    colour.max = world.colourNames.length - 1;
    shown.checked = object.shown;
    category.value = object.category;
    pattern.value = object.pattern;
    colour.value = object.colour;

    const name = () => {
      colour.setAttribute("aria-valuetext", world.colourNames[object.colour]);
      handle.setAttribute("aria-label", `${world.classes[object.category]}: move with the arrow keys`);
      handle.hidden = !object.shown;
    };
    row.addEventListener("input", () => {
      object.shown = shown.checked;
      object.category = Number(category.value);
      object.pattern = Number(pattern.value);
      object.colour = Number(colour.value);
      name();
      changed();
    });
    name();
    rows.append(row);
  });
}

/** Put numbered choices into a select. */
export function fill(select, names) {
  select.replaceChildren(...names.map((name, index) => new Option(name, index)));
}
