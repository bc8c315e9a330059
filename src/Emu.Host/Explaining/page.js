const story = document.querySelector("ol.story");
for (const box of document.querySelectorAll(".tools input")) {
  box.addEventListener("change", () => {
    for (const item of story.querySelectorAll(`:scope > li[data-kind="${box.value}"]`)) item.hidden = !box.checked;
  });
}
const all = document.querySelector("#all");
all.addEventListener("click", () => {
  const open = all.dataset.open !== "1";
  for (const item of story.querySelectorAll("details")) item.open = open;
  all.dataset.open = open ? "1" : "0";
  all.textContent = open ? "Close all tables" : "Open all tables";
});
