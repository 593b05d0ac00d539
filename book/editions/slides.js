// Starts the slides, and lets no slide be taller than the screen.
"use strict";

const SMALLEST = 0.6; // of the letters' size; a test sees to it that it is never needed

/** Make the letters of a slide smaller until all of it is in sight. */
function fit(slide) {
  const on = slide.querySelector(".on");
  on.style.fontSize = "";
  for (let size = 0.97; size >= SMALLEST && isTooLarge(slide, on); size -= 0.03)
    on.style.fontSize = `${size}em`;
}

function isTooLarge(slide, on) {
  return slide.scrollHeight > 720 || on.scrollWidth > on.clientWidth + 1;
}

Reveal.on("ready", async ({ currentSlide }) => {
  await document.fonts.load('1em "STIX Two Math"'); // before anything is measured
  fit(currentSlide);
});
Reveal.on("slidechanged", ({ currentSlide }) => fit(currentSlide));
Reveal.initialize({
  width: 1280,
  height: 720,
  margin: 0.02,
  center: false,
  hash: true,
  slideNumber: "c/t",
  transition: "none",
  plugins: [RevealNotes],
});
