// Whatever scrolls by itself must be reachable from the keyboard.
document.addEventListener("DOMContentLoaded", () => {
  // The side bar is part of no landmark otherwise.
  const bar = document.querySelector(".bd-sidebar-primary");
  if (bar) {
    bar.setAttribute("role", "complementary");
    bar.setAttribute("aria-label", "Course");
  }
  for (const box of document.querySelectorAll("pre, .bd-article table, .cell_output, .math, mjx-container")) {
    const mark = () => {
      if (box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    };
    mark();
    new ResizeObserver(mark).observe(box);
  }
});
