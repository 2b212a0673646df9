// The page: a model and a picture are chosen, and the panoptic map is drawn; nothing leaves the browser.
import * as ort from './node_modules/onnxruntime-web/dist/ort.wasm.min.mjs';
import { readDescription } from './description.js';
import { prepareImage, readImage } from './image.js';
import { panopticMap } from './panoptic.js';

const OPACITY = 0.6;
const TASK = 'panoptic';
const element = (name) => document.getElementById(name);
let model;

async function openModel(bytes) {
  const session = await ort.InferenceSession.create(bytes, { executionProviders: ['wasm'] });
  return { session, description: readDescription(bytes) };
}

async function predict({ session, description }, image) {
  const { values, ...sizes } = prepareImage(image, description);
  const { class_logits: classes, mask_logits: masks } = await session.run({
    images: new ort.Tensor('float32', values, [1, 3, ...sizes.padded]),
    tasks: new ort.Tensor('int64', BigInt64Array.of(BigInt(description.tasks.indexOf(TASK))), [1]),
  });
  return panopticMap(classes.data, masks.data, masks.dims.slice(3), sizes, description);
}

function draw(image, { ids, segments }, { classes, palette }) {
  const drawing = new ImageData(image.data.slice(), image.width, image.height);
  const { width } = image;
  ids.forEach((id, pixel) => {
    if (id === 0) return;
    const [isLast, right, below] = [(pixel + 1) % width === 0, ids[pixel + 1], ids[pixel + width]];
    const isEdge = (!isLast && right !== id) || (below ?? id) !== id;
    palette[segments[id - 1].label].forEach((color, channel) => {
      const value = drawing.data[4 * pixel + channel];
      drawing.data[4 * pixel + channel] = isEdge ? 255 : (1 - OPACITY) * value + OPACITY * color;
    });
  });
  const canvas = element('drawing');
  Object.assign(canvas, { width, height: image.height });
  canvas.getContext('2d').putImageData(drawing, 0, 0);
  const rows = segments.map(({ label, score, area }) => {
    const row = document.createElement('li');
    row.textContent = `${classes[label]}, score ${score.toFixed(2)}, ${((100 * area) / ids.length).toFixed(1)} %`;
    row.style.setProperty('--color', `rgb(${palette[label]})`);
    return row;
  });
  element('segments').replaceChildren(...rows);
}

// The status is `busy` while something is computed; tests and styles look at it.
async function report(work) {
  const status = element('status');
  status.className = 'busy';
  status.textContent = 'computing ...';
  try {
    const start = performance.now();
    const text = await work();
    status.textContent = `${text} (${Math.round(performance.now() - start)} ms)`;
    status.className = 'done';
  } catch (error) {
    status.textContent = error.message;
    status.className = 'failed';
  }
}

element('model').addEventListener('change', (event) =>
  report(async () => {
    model = await openModel(new Uint8Array(await event.target.files[0].arrayBuffer()));
    element('image').disabled = false;
    return `model with ${model.description.classes.length} classes`;
  }),
);

element('image').addEventListener('change', (event) =>
  report(async () => {
    const image = await readImage(event.target.files[0]);
    const result = await predict(model, image);
    draw(image, result, model.description);
    window.panoptic = result; // for the console
    return `${result.segments.length} segments in ${image.width} x ${image.height} pixels`;
  }),
);
