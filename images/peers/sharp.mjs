// What sharp (libvips) does: `node sharp.mjs make FOLDER`, `node sharp.mjs run FILE FORMAT RESULT TIMES` and
// `node sharp.mjs compare A B`. Run by measure.py, which installs sharp.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
const require = createRequire(pathToFileURL(process.env.SHARP_FOLDER + '/'));
const sharp = require('sharp');
sharp.concurrency(1);
sharp.cache(false);

const [task, ...rest] = process.argv.slice(2);
const [WIDTH, HEIGHT] = [4000, 3000];

// The same numbers in every run.
let state = 1;
const random = () => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return state / 0x7fffffff;
};
const noise = async (width, height) => {
    const data = Buffer.from(Uint8Array.from({ length: width * height * 3 }, () => random() * 256));
    const raw = { width, height, channels: 3 };
    return sharp(data, { raw }).resize(WIDTH, HEIGHT, { kernel: 'cubic', fit: 'fill' }).raw().toBuffer();
};

// Photo-like: noise at several scales, most of it coarse, and a little at the scale of pixels.
const photo = async (fine) => {
    const layers = [[16, 12, 0.5], [63, 47, 0.25], [250, 188, 0.15], [1000, 750, 0.1]];
    const sum = new Float32Array(WIDTH * HEIGHT * 3);
    for (const [width, height, share] of layers) {
        const layer = await noise(width, height);
        for (let at = 0; at < sum.length; at++) sum[at] += layer[at] * share;
    }
    return Buffer.from(Uint8Array.from(sum, (value) => Math.max(0, Math.min(255, value + (random() - 0.5) * fine))));
};
const gradient = () => {
    const data = Buffer.alloc(WIDTH * HEIGHT * 3);
    for (let y = 0, at = 0; y < HEIGHT; y++) {
        for (let x = 0; x < WIDTH; x++) {
            data[at++] = (x * 255) / WIDTH;
            data[at++] = (y * 255) / HEIGHT;
            data[at++] = 255 - ((x + y) * 255) / (WIDTH + HEIGHT);
        }
    }
    return data;
};
const flat = () => {
    const data = Buffer.alloc(WIDTH * HEIGHT * 3, 250);
    for (let number = 0; number < 300; number++) {
        const [left, top] = [random() * WIDTH, random() * HEIGHT].map(Math.floor);
        const [right, bottom] = [left + random() * 600, top + random() * 400].map(Math.floor);
        const color = [random() * 256, random() * 256, random() * 256];
        for (let y = top; y < Math.min(bottom, HEIGHT); y++) {
            for (let x = left; x < Math.min(right, WIDTH); x++) data.set(color, (y * WIDTH + x) * 3);
        }
    }
    return data;
};

if (task === 'make') {
    const raw = { width: WIDTH, height: HEIGHT, channels: 3 };
    const pictures = { photo: await photo(12), grainy: await photo(60), gradient: gradient(), flat: flat() };
    for (const [name, data] of Object.entries(pictures)) {
        await sharp(data, { raw }).jpeg({ quality: 85 }).toFile(`${rest[0]}/${name}.jpg`);
        // What both are compared with: from all pixels of the file, without a smaller decoding.
        const pixels = await sharp(`${rest[0]}/${name}.jpg`).raw().toBuffer();
        await sharp(pixels, { raw }).resize(400, 300).png().toFile(`${rest[0]}/${name}.png`);
    }
} else if (task === 'run') {
    const [file, format, result, times] = rest;
    for (let time = 0; time < Number(times); time++) {
        const small = sharp(file).resize(400, 300);
        await (format === 'jpeg' ? small.jpeg({ quality: 82 }) : small.webp({ quality: 80 })).toFile(result);
    }
} else if (task === 'compare') {
    const [a, b] = await Promise.all(rest.map((file) => sharp(file).removeAlpha().toColourspace('srgb').raw().toBuffer()));
    let sum = 0;
    for (let at = 0; at < a.length; at++) sum += (a[at] - b[at]) ** 2;
    console.log((10 * Math.log10((255 * 255 * a.length) / Math.max(sum, 1))).toFixed(1));
}
