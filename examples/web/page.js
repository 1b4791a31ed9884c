// With a bundler, import from '@uploadcare/file-uploader', and its style from '@uploadcare/file-uploader/index.css'.
import * as UC from '/uploader.js'
// signature.js or token.js, as the server was started.
import { letIn } from '/let-in.js'
// private.js, or public.js.
import { openFiles } from '/open.js'

UC.defineComponents(UC)

const config = document.querySelector('uc-config')
letIn(config)
openFiles(config)

const uploads = document.querySelector('uc-upload-ctx-provider')

function show(file, outcome, text) {
  const item = document.createElement('li')
  item.className = outcome
  item.textContent = `${file.name}: ${text}`
  document.querySelector('#uploads').append(item)
}

uploads.addEventListener('file-upload-success', ({ detail: file }) => show(file, 'uploaded', file.uuid))
uploads.addEventListener('file-upload-failed', ({ detail: file }) =>
  show(file, 'refused', file.errors.map(({ message }) => message).join(' ')),
)
