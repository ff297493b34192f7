// Fits each slide to the screen, and answers three keys: N turns the stage dark, C starts
// the clock of an exercise, R restarts the kernel and runs all up to the chosen cell. How
// things look is written in rise.css; here only numbers and class names are set. A slide
// is a section of cells, the first one its title.
(() => {
  const SLIDE = '.slides > section.present > section.present';
  const STEPS = 40; // of the scale, from SMALLEST to LARGEST, which are for pictures
  const SMALLEST = 0.75;
  const LARGEST = 2.6;
  const LARGEST_TEXT = 1.65; // words are never smaller than written
  const WRITTEN = Math.ceil(STEPS * (1 - SMALLEST) / (LARGEST - SMALLEST));

  const scaleOf = (step) => SMALLEST + (step / STEPS) * (LARGEST - SMALLEST);

  function lay(slide, layout, step) {
    const scale = scaleOf(step);
    const text = Math.min(Math.max(scale, 1), LARGEST_TEXT);
    for (const name of ['beside', 'columns', 'split', 'tight'])
      slide.classList.toggle(name, layout.split(' ').includes(name));
    slide.style.setProperty('--text', text.toFixed(3));
    slide.style.setProperty('--picture', (scale / text).toFixed(3));
    // The longest line decides on the size of code, not on that of the words around it.
    slide.style.setProperty('--code', 1);
    const room = Math.min(1, ...[...slide.querySelectorAll(CODE)]
      .map(e => (e.clientWidth - 4) / e.scrollWidth));
    slide.style.setProperty('--code', Math.max(room, 1 / text).toFixed(3));
  }

  // A title keeps to one line.
  function fitTitle(slide) {
    const title = slide.firstElementChild?.querySelector('h1, h2, h3');
    if (!title) return;
    slide.style.setProperty('--title', 1);
    const words = document.createRange();
    words.selectNodeContents(title);
    const badge = title.querySelector('.convnets-badge');
    if (badge) words.setEndBefore(badge);
    const {left, right} = words.getBoundingClientRect();
    const end = (badge ?? title).getBoundingClientRect()[badge ? 'left' : 'right'];
    const room = Math.min(1, (end - left) / (right - left));
    slide.style.setProperty('--title', (0.98 * room).toFixed(3));
  }

  const PRE = 'pre:not(details:not([open]) *)'; // a closed hint's has no width
  const CODE = `.jp-CodeCell .cm-scroller, .jp-CodeCell ${PRE}`;
  const WIDE = `.jp-OutputArea-output, .jp-RenderedMarkdown, .cm-scroller, ${PRE}`;

  const fits = (slide) => slide.scrollHeight <= slide.clientHeight
    && slide.scrollWidth <= slide.clientWidth
    && [...slide.querySelectorAll(WIDE)].every(e => e.scrollWidth <= e.clientWidth + 1);

  // The largest scale at which a layout fits; -1 when none does.
  function largest(slide, layout) {
    let [low, high] = [-1, STEPS];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      lay(slide, layout, middle);
      if (fits(slide)) low = middle; else high = middle - 1;
    }
    return low;
  }

  // How much of the screen pictures cover, or, on a slide without one, nothing.
  const pictured = (slide) => [...slide.querySelectorAll(PICTURE)]
    .map(e => e.getBoundingClientRect())
    .reduce((sum, box) => sum + box.width * box.height, 0);

  const EXPLORER = '.convnets-explorer, .states';
  const PICTURE = '.jp-OutputArea-output :is(img, svg):not([hidden] *)';

  function fit() {
    const slide = document.querySelector(SLIDE);
    if (!slide) return;
    // Once it had to go it stays away, or it might come and go for ever.
    if (slide.querySelector('.convnets-question') && fitLayout(slide) < WRITTEN)
      slide.classList.add('no-question');
    fitLayout(slide);
    fitTitle(slide);
  }

  // Chooses layout and scale; returns the scale's step.
  function fitLayout(slide) {
    // Beside words there is room for one picture; several stand in columns.
    const cells = [...slide.querySelectorAll('.jp-CodeCell')];
    const pictures = cells.filter(cell => cell.querySelector(PICTURE)).length;
    const more = [[], ['beside']][pictures] ?? ['columns'];
    const layouts = slide.querySelector(EXPLORER) ? ['tight']
      : ['stack', ...more];
    const last = ['split', 'tight', 'split tight']; // for what is too much
    let best;
    for (const layout of [...layouts, ...last]) {
      if (last.includes(layout) && best?.step >= 0) break;
      const step = largest(slide, layout);
      lay(slide, layout, Math.max(step, 0));
      const area = pictured(slide);
      if (!best || (step >= 0 && (best.step < 0 || area > 1.2 * best.area)))
        best = {layout, step, area};
    }
    lay(slide, best.layout, Math.max(best.step, 0));
    return best.step;
  }

  let asked = false;
  let fitted; // the cells' sizes as fit left them, for which it need not run again
  const sizesOf = () => [...document.querySelectorAll(`${SLIDE} .jp-Cell`)]
    .map(e => e.getBoundingClientRect())
    .map(({width, height}) => `${width} ${height}`).join();
  const later = () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => { fit(); fitted = sizesOf(); asked = false; });
  };

  // --- keys ---------------------------------------------------------------------------

  const typing = (target) => target.closest?.(
    'input, textarea, select, [contenteditable=true], .noUi-handle');

  let clock;
  function startClock() {
    const badge = document.querySelector(`${SLIDE} .convnets-badge`);
    const minutes = badge && /min|:/.test(badge.textContent) ? badge : null;
    clearInterval(clock);
    const stop = !minutes || minutes.classList.toggle('running') === false;
    if (stop) { if (minutes) minutes.textContent = minutes.dataset.text; return; }
    minutes.dataset.text ??= minutes.textContent;
    const end = Date.now() + 60000 * parseInt(minutes.dataset.text);
    const tick = () => {
      const left = Math.max(0, Math.round((end - Date.now()) / 1000));
      minutes.textContent = `${Math.floor(left / 60)}:${String(left % 60).padStart(2, '0')}`;
      if (!left) clearInterval(clock);
    };
    tick();
    clock = setInterval(tick, 250);
  }

  let commands; // JupyterLab's; static slides have none
  const KEYS = {
    n: () => document.body.classList.toggle('dark-stage'),
    c: startClock,
    r: () => commands?.execute('notebook:restart-and-run-to-selected'),
  };
  window.addEventListener('keydown', (event) => {
    const act = KEYS[event.key.toLowerCase()];
    if (!act || event.ctrlKey || event.metaKey || event.altKey || typing(event.target))
      return;
    event.stopPropagation();
    event.preventDefault();
    act();
  }, true);

  // --- watching -----------------------------------------------------------------------

  const sizes = new ResizeObserver(() => { if (sizesOf() !== fitted) later(); });
  let watched;
  new MutationObserver(() => {
    const slide = document.querySelector(SLIDE);
    if (slide && slide !== watched) {
      watched = slide;
      sizes.disconnect();
      slide.querySelectorAll('.jp-Cell').forEach(cell => sizes.observe(cell));
      // The speaker's window would show a note's source above the note.
      document.querySelectorAll('aside.notes .jp-Editor').forEach(e => e.remove());
      later();
    }
  }).observe(document.documentElement,
    {subtree: true, childList: true, attributes: true, attributeFilter: ['class']});
  window.addEventListener('resize', () => {
    document.querySelectorAll('.no-question')
      .forEach(slide => slide.classList.remove('no-question'));
    later();
  });
  window.fitSlide = fit; // for printing, where nothing waits for the next frame

  const plugin = {
    id: 'convnets-stage:plugin',
    autoStart: true,
    activate: (app) => { commands = app.commands; },
  };
  const get = async () => () => ({__esModule: true, default: plugin});
  (window._JUPYTERLAB ??= {})['convnets-stage'] = {init() {}, get};
})();
