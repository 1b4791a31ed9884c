// Sizes and pixels of operations beside those of sharp: `node operations.mjs RENDER`, where SHARP_FOLDER is a folder with
// node_modules/sharp. Prints the peak signal-to-noise ratio of each, in dB, and ends with 1 if a size differs or one is below 30.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
const require = createRequire(pathToFileURL(resolve(process.env.SHARP_FOLDER) + '/'));
const sharp = require('sharp');

const folder = mkdtempSync(join(tmpdir(), 'images-'));
const fill = { fit: 'fill' };
const operations = [
    ['-/preview/100x100/', (image) => image.resize(100, 67, fill)],
    ['-/resize/x100/', (image) => image.resize(150, 100, fill)],
    ['-/resize/450x/', (image) => image.resize(450, 300, fill)],
    ['-/resize/40x90/', (image) => image.resize(40, 90, fill)],
    ['-/stretch/off/-/resize/600x/', (image) => image],
    ['-/scale_crop/100x100/center/', (image) => image.resize(100, 100)],
    ['-/scale_crop/50x120/100p,50p/', (image) => image.resize(50, 120, { position: 'right' })],
    ['-/crop/120x80/30,40/-/preview/', (image) => image.extract({ left: 30, top: 40, width: 120, height: 80 })],
    ['-/crop/50px50p/center/-/preview/', (image) => image.extract({ left: 75, top: 50, width: 150, height: 100 })],
    ['-/setfill/102030/-/stretch/fill/-/resize/400x260/', (image) =>
        image.extend({ left: 50, right: 50, top: 30, bottom: 30, background: '#102030' })],
    ['-/preview/-/rotate/90/', (image) => image.rotate(270)],
    ['-/preview/-/flip/', (image) => image.flip()],
    ['-/preview/-/mirror/', (image) => image.flop()],
    ['-/preview/-/invert/', (image) => image.negate({ alpha: false })],
    ['-/preview/-/grayscale/', (image) => image.recomb(Array(3).fill([0.299, 0.587, 0.114]))],
    ['-/preview/-/blur/30/', (image) => image.blur(3)],
];
const psnr = (a, b) => {
    let sum = 0;
    for (let at = 0; at < a.length; at++) sum += (a[at] - b[at]) ** 2;
    return 10 * Math.log10((255 * 255 * a.length) / Math.max(sum, 1));
};
let failed = false;
try {
    const data = Buffer.alloc(300 * 200 * 4);
    for (let at = 0, y = 0; y < 200; y++) {
        for (let x = 0; x < 300; x++, at += 4) {
            const disc = (x - 150) ** 2 + (y - 100) ** 2 < 6400;
            data.set([x * 0.8, y * 1.2, 128 + 100 * Math.sin(x / 9) * Math.cos(y / 7), disc ? 255 : 140], at);
        }
    }
    const raw = sharp(data, { raw: { width: 300, height: 200, channels: 4 } });
    await raw.clone().png().toFile(join(folder, 'alpha.png'));
    await raw.clone().removeAlpha().jpeg({ quality: 95, chromaSubsampling: '4:4:4' }).toFile(join(folder, 'opaque.jpg'));
    for (const [path, sharps] of operations) {
        const row = [];
        for (const source of ['opaque.jpg', 'alpha.png']) {
            const file = join(folder, source);
            const result = join(folder, 'result.png');
            execFileSync(process.argv[2], [file, `${path}-/format/png/`, result]);
            // What the colour is below nothing does not count: both are laid on black.
            const flat = (image) => image.flatten({ background: '#000' }).toColourspace('srgb').raw().toBuffer({ resolveWithObject: true });
            const ours = await flat(sharp(result));
            const theirs = await flat(sharp(await sharps(sharp(file)).png().toBuffer()));
            const same = ours.info.width === theirs.info.width && ours.info.height === theirs.info.height;
            const ratio = same ? psnr(ours.data, theirs.data) : 0;
            failed ||= ratio < 30;
            row.push(same ? ratio.toFixed(1) : `${ours.info.width}x${ours.info.height}, not ${theirs.info.width}x${theirs.info.height}`);
        }
        console.log(`| \`${path}\` | ${row.join(' | ')} |`);
    }
} finally {
    rmSync(folder, { recursive: true });
}
process.exitCode = failed ? 1 : 0;
