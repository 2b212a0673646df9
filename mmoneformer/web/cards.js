// Highlights the segment under the pointer, of a pixel or of a row of the table, by dimming the rest.
const DIMMED = 130; // opacity of the dimmed part, 0 to 255
const idsOf = new WeakMap(); // card -> segment numbers of its pixels

function readIds(card) {
  if (!idsOf.has(card)) {
    const image = card.querySelector('.ids');
    const { naturalWidth: width, naturalHeight: height } = image;
    const context = new OffscreenCanvas(width, height).getContext('2d');
    context.drawImage(image, 0, 0);
    const { data } = context.getImageData(0, 0, width, height);
    const numbers = new Uint16Array(width * height);
    for (let i = 0; i < numbers.length; i++) numbers[i] = data[4 * i] + 256 * data[4 * i + 1];
    idsOf.set(card, { width, height, numbers });
  }
  return idsOf.get(card);
}

function highlight(card, number) {
  if (Number(card.dataset.highlighted ?? 0) === number) return;
  card.dataset.highlighted = number;
  for (const row of card.querySelectorAll('tr')) row.classList.toggle('highlighted', row.dataset.number === `${number}`);
  const { width, height, numbers } = readIds(card);
  const canvas = card.querySelector('canvas');
  Object.assign(canvas, { width, height });
  if (number === 0) return;
  const overlay = new ImageData(width, height);
  for (let i = 0; i < numbers.length; i++) if (numbers[i] !== number) overlay.data[4 * i + 3] = DIMMED;
  canvas.getContext('2d').putImageData(overlay, 0, 0);
}

function showNote(card, text, left, top) {
  const note = card.querySelector('output');
  note.classList.toggle('shown', text !== '');
  note.textContent = text;
  const maxLeft = card.querySelector('.drawing').clientWidth - note.offsetWidth - 4;
  note.style.left = `${Math.max(4, Math.min(left + 14, maxLeft))}px`;
  note.style.top = `${Math.max(4, top - 34)}px`;
}

function pointAt(card, event) {
  const box = card.querySelector('.drawing').getBoundingClientRect();
  const [left, top] = [event.clientX - box.left, event.clientY - box.top];
  const { width, height, numbers } = readIds(card);
  const column = Math.min(width - 1, Math.max(0, Math.floor((left / box.width) * width)));
  const row = Math.min(height - 1, Math.max(0, Math.floor((top / box.height) * height)));
  const number = numbers[row * width + column];
  highlight(card, number);
  showNote(card, card.querySelector(`tr[data-number="${number}"]`)?.dataset.text ?? '', left, top);
}

function clear(card) {
  highlight(card, 0);
  showNote(card, '', 0, 0);
}

element.addEventListener('pointermove', (event) => {
  const card = event.target.closest('.card');
  if (!card) return;
  const row = event.target.closest('tr');
  if (event.target.closest('.drawing')) {
    pointAt(card, event);
  } else if (row) {
    highlight(card, Number(row.dataset.number));
  } else {
    clear(card);
  }
});
element.addEventListener('pointerout', (event) => {
  const card = event.target.closest('.card');
  if (card && !card.contains(event.relatedTarget)) clear(card);
});
