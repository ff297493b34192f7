// Moves through slides without a kernel: arrows, space, Page Up and Down, Home and End.
// What is on a slide is fitted by convnets-stage, as in live slides.
(() => {
  const slides = [...document.querySelectorAll('.slides > section')];
  const fragments = (slide) => [...slide.querySelectorAll('.fragment')];
  let at = 0;

  function show(number, whole) {
    at = Math.max(0, Math.min(slides.length - 1, number));
    slides.forEach((slide, n) => {
      slide.classList.toggle('present', n === at);
      slide.firstElementChild.classList.toggle('present', n === at);
    });
    fragments(slides[at]).forEach(f => f.classList.toggle('visible', whole));
    history.replaceState(null, '', `#${at + 1}`);
  }

  function next() {
    const hidden = fragments(slides[at]).find(f => !f.classList.contains('visible'));
    if (hidden) hidden.classList.add('visible');
    else if (at < slides.length - 1) show(at + 1, false);
  }

  function back() {
    const shown = fragments(slides[at]).filter(f => f.classList.contains('visible'));
    if (shown.length) shown.pop().classList.remove('visible');
    else if (at) show(at - 1, true);
  }

  const KEYS = {
    ArrowRight: next, ArrowDown: next, ' ': next, PageDown: next,
    ArrowLeft: back, ArrowUp: back, PageUp: back,
    Home: () => show(0, false), End: () => show(slides.length - 1, true),
  };
  addEventListener('keydown', (event) => {
    if (event.target.matches('input') || !KEYS[event.key]) return;
    event.preventDefault();
    KEYS[event.key]();
  });
  const here = () => show(parseInt(location.hash.slice(1) || '1') - 1, false);
  addEventListener('hashchange', here);
  here();

  // For printing: all slides at once, each fitted.
  window.showAll = () => {
    document.documentElement.classList.add('all-slides');
    slides.forEach((slide, n) => { show(n, true); window.fitSlide(); });
    slides.forEach(slide => {
      slide.classList.add('present');
      slide.firstElementChild.classList.add('present');
    });
  };
})();
