// Opens a page with the published web component in Chromium, and uploads by it as a visitor does.
//
//   node drive.mjs URL JSON
//
// JSON holds `files`, paths that are chosen from the device, or `link`, an address that is given to fetch from;
// `withoutPolicy` where the page's Content-Security-Policy is to be ignored; and `signature`, with `secureSignature` and
// `secureExpire`, where uploads are signed by it and not by what the page's server answers. With `edit`, the first file is an
// image that is edited, as one of EDITS does it; with `group`, all files become a group; `settings` are further ones of the
// component, by their names in JavaScript; with `screenshots`, a folder and how the names of files in it begin, pictures of the
// page are left there.
//
// Prints one JSON object on stdout:
//
//   uploads   what the page lists in the end: `{outcome, text}` for each file
//   thumbnails  with `thumbnails`, their number: addresses of the pictures that the list shows, which were loaded and decoded
//   edited    with `edit`: the address of the first file after what was done in the editor
//   group     with `group`: the address of the group of all files
//   delivered every request for a file or for something of it: `{url, status, type, allowed}`, where `allowed` is the origin
//             whose scripts may read the answer, or `{url, failure}` where the browser kept the answer from the page
//   hosts     every host and port that the page has sent a request to or opened a WebSocket to
//   blocked   every host and port that the policy has kept it from

import { accessSync, constants } from 'node:fs'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'

const PATIENCE_MILLISECONDS = 120_000

const ARGUMENTS = [
  '--disable-gpu',
  '--disable-quic',
  '--disable-sync',
  // What a page or the browser asks of other machines is noted, and does not leave this one.
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1',
]

const tools =
  process.env.INTAKE_TEST_TOOLS ||
  join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'intake', 'test-tools')

function browserProgram() {
  const folders = process.env.PATH.split(delimiter)
  for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
    for (const folder of folders) {
      const path = join(folder, name)
      try {
        accessSync(path, constants.X_OK)
        return path
      } catch {
        // The next one may be there.
      }
    }
  }
  throw new Error('there is no Chromium: run ./check setup')
}

async function choose(page, { files, link }) {
  await page.getByRole('button', { name: 'Upload files' }).click()
  if (link) {
    await page.getByText('From link').click()
    await page.getByRole('textbox').fill(link)
    await page.getByRole('textbox').press('Enter')
    return 1
  }
  const opened = page.waitForEvent('filechooser')
  await page.getByText('From device').click()
  const chooser = await opened
  await chooser.setFiles(files)
  return files.length
}

// Thumbnails, editor and events come behind an upload, at times that no event of the page tells.
async function until(page, what, condition) {
  const deadline = Date.now() + PATIENCE_MILLISECONDS
  for (;;) {
    const found = await condition()
    if (found) return found
    if (Date.now() > deadline) throw new Error(`this did not come: ${what}`)
    await page.waitForTimeout(50)
  }
}

const outputs = (page) =>
  page.locator('uc-upload-ctx-provider').evaluate((uploads) => uploads.getAPI().getOutputCollectionState())

// What is done makes the page ask for an image whose address has this part.
async function asking(page, part, act) {
  const answered = page.waitForResponse((answer) => answer.url().includes(part) && answer.ok())
  await act()
  await answered
}

// What a visitor does in the editor once it shows the image.
const EDITS = {
  async turn(page, editor, shoot) {
    // The tab that cuts and turns shows what it does by itself; the next one asks for it.
    await editor.locator('[aria-label="Apply mirror operation"]').click()
    await editor.locator('[aria-label="Apply rotate operation"]').click()
    await shoot('editor')
    await asking(page, '/mirror/-/rotate/90/', () => editor.locator('[aria-label="Tuning"]').click())
    for (const tuning of ['brightness', 'enhance']) {
      await editor.locator(`[aria-label="Apply ${tuning} tuning"]`).click()
      await asking(page, `/${tuning}/40/`, () => editor.locator('input[type=range]').first().fill('40'))
      await shoot(`editor-${tuning}`)
      await editor.locator('button', { hasText: 'Apply' }).last().click()
    }
  },

  // Drags the corner at the bottom right to the middle of the image.
  async crop(page, editor, shoot) {
    const handles = editor.locator('uc-crop-frame g.uc-thumb rect')
    const centres = await until(page, 'the frame', async () => {
      const boxes = await handles.evaluateAll((all) => all.map((handle) => handle.getBoundingClientRect().toJSON()))
      const isLaidOut = boxes.length > 0 && boxes.every(({ width }) => width > 0)
      return isLaidOut && boxes.map(({ x, y, width, height }) => ({ x: x + width / 2, y: y + height / 2 }))
    })
    const [xs, ys] = [centres.map(({ x }) => x), centres.map(({ y }) => y)]
    const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)]
    await page.mouse.move(right, bottom)
    await page.mouse.down()
    await page.mouse.move((left + right) / 2, (top + bottom) / 2, { steps: 5 })
    await page.mouse.up()
    await shoot('editor-crop')
    // The editor takes note of the frame a moment after the last move, or when the visitor leaves the tab.
    await asking(page, '/crop/', () => editor.locator('[aria-label="Tuning"]').click())
  },

  async sliders(page, editor, shoot) {
    await editor.locator('[aria-label="Tuning"]').click()
    for (const tuning of ['exposure', 'gamma', 'contrast', 'saturation', 'vibrance', 'warmth']) {
      await editor.locator(`[aria-label="Apply ${tuning} tuning"]`).click()
      await asking(page, `/${tuning}/50/`, () => editor.locator('input[type=range]').first().fill('50'))
      await editor.locator('button', { hasText: 'Apply' }).last().click()
    }
    await shoot('editor-sliders')
  },

  async filter(page, editor, shoot) {
    await editor.locator('[aria-label="Filters"]').click()
    await editor.getByText('Network error').waitFor({ state: 'visible' })
    await shoot('editor-filters')
  },
}

async function edit(page, what, shoot) {
  const editor = page.locator('uc-cloud-image-editor')
  await asking(page, '/resize/', () => page.getByRole('button', { name: 'Edit', exact: true }).first().click())
  await EDITS[what](page, editor, shoot)
  if (what === 'filter') return null
  await editor.locator('[aria-label="Apply"]').click()
  return until(page, 'an edited file', async () => {
    const entry = (await outputs(page)).allEntries[0]
    return entry.cdnUrlModifiers && entry.cdnUrl
  })
}

async function thumbnails(page, expected) {
  return until(page, 'thumbnails', async () => {
    const shown = await page.locator('img.uc-thumb__img').evaluateAll((images) =>
      images
        .filter((image) => image.src.startsWith('http') && image.complete && image.naturalWidth > 0)
        .map((image) => image.src),
    )
    return shown.length >= expected && shown
  })
}

async function drive(browser, url, options) {
  const context = await browser.newContext({ bypassCSP: options.withoutPolicy === true })
  const page = await context.newPage()
  page.setDefaultTimeout(PATIENCE_MILLISECONDS)
  const [hosts, blocked] = [new Set(), new Set()]
  const note = (address) => {
    const { protocol, host } = new URL(address)
    if (protocol !== 'blob:' && protocol !== 'data:') hosts.add(host)
  }
  page.on('request', (request) => note(request.url()))
  page.on('websocket', (socket) => note(socket.url()))
  const delivered = []
  const isOfFile = (url) => /^\/[0-9a-f-]{36}[/~]/.test(new URL(url).pathname)
  page.on('response', (answer) => {
    if (!isOfFile(answer.url())) return
    const { 'content-type': type, 'access-control-allow-origin': allowed } = answer.headers()
    delivered.push({ url: answer.url(), status: answer.status(), type, allowed })
  })
  page.on('requestfailed', (request) => {
    const failure = request.failure()?.errorText
    // The component itself gives up what it does not need any more.
    const isGivenUp = failure === 'net::ERR_ABORTED'
    if (isOfFile(request.url()) && !isGivenUp) delivered.push({ url: request.url(), failure })
  })
  await page.exposeFunction('noteBlocked', (address) => blocked.add(new URL(address).host))
  await page.addInitScript(() =>
    document.addEventListener('securitypolicyviolation', ({ blockedURI }) => window.noteBlocked(blockedURI)),
  )
  await page.goto(url)
  if (options.signature) {
    await page.locator('uc-config').evaluate((config, signature) => {
      config.secureUploadsSignatureResolver = async () => signature
    }, options.signature)
  }
  const settings = { ...options.settings, ...(options.group && { groupOutput: true }) }
  await page.locator('uc-config').evaluate((config, settings) => Object.assign(config, settings), settings)
  const shoot = async (name) => {
    if (options.screenshots) await page.screenshot({ path: `${options.screenshots}${name}.png` })
  }
  const expected = await choose(page, options)
  const listed = page.locator('#uploads li')
  await listed.nth(expected - 1).waitFor({ state: 'attached' })
  // Thumbnails and events come behind an upload.
  await page.waitForLoadState('networkidle')
  const uploads = await listed.evaluateAll((items) =>
    items.map((item) => ({ outcome: item.className, text: item.textContent })),
  )
  const done = { uploads }
  if (options.thumbnails) done.thumbnails = await thumbnails(page, options.thumbnails)
  await shoot('list')
  if (options.edit) done.edited = await edit(page, options.edit, shoot)
  if (done.edited) {
    const modifiers = done.edited.split('/-/').slice(1).join('/-/')
    await until(page, 'the thumbnail of what was edited', async () =>
      (await thumbnails(page, 1)).some((address) => address.includes(modifiers)),
    )
    await shoot('edited')
  }
  if (options.group) {
    done.group = await until(page, 'a group', async () => (await outputs(page)).group?.cdnUrl)
    await shoot('group')
  }
  return { ...done, delivered, hosts: [...hosts].sort(), blocked: [...blocked].sort() }
}

const [, , url, options] = process.argv
const { chromium } = createRequire(join(tools, 'web', 'package.json'))('playwright-core')
const browser = await chromium.launch({ executablePath: browserProgram(), args: ARGUMENTS })
try {
  console.log(JSON.stringify(await drive(browser, url, JSON.parse(options))))
} finally {
  await browser.close()
}
