// What was filled in survives a reload: words in the tab's own storage, the photo beside it, since no
// page may put a file back into a form any other way. Both go when the form is sent or cleared. Each kind
// of search has its own.

const PHOTOS = "textback-drafts";
const DAY_MS = 86_400_000;
const TICKS = ["checkbox", "radio"];

const place = (form) => `textback-draft-${form.dataset.kind}`;
const isKept = (field) => field.name && !["hidden", "file"].includes(field.type);
const fieldsOf = (form) => [...form.elements].filter(isKept);

// Browsers offer this on encrypted pages and on this machine alone; elsewhere only the photo is lost.
// One that refuses to keep anything is asked in vain.
const photos = async () => {
  try {
    return await globalThis.caches?.open(PHOTOS);
  } catch {
    return null;
  }
};

function read(form) {
  try {
    return JSON.parse(sessionStorage.getItem(place(form)));
  } catch {
    return null;
  }
}

function write(form, id) {
  const given = new FormData(form);
  const fields = Object.fromEntries(fieldsOf(form).map(({ name }) => [name, given.getAll(name)]));
  try {
    sessionStorage.setItem(place(form), JSON.stringify({ id, fields }));
  } catch {
    // Full, or not wanted by the browser's owner.
  }
}

// A number of this tab, so that two tabs with two photos do not mix them up.
function draftId(form) {
  return read(form)?.id || crypto.getRandomValues(new Uint32Array(2)).join("-");
}

export function keepFields(form) {
  write(form, draftId(form));
}

export async function keepPhoto(form, file) {
  const id = draftId(form);
  write(form, id);
  const store = await photos();
  if (!file) return store?.delete(`/draft/${id}`);
  const headers = { "Content-Type": file.type || "application/octet-stream", "X-Name": encodeURIComponent(file.name), "X-Kept": Date.now() };
  await store?.put(`/draft/${id}`, new Response(file, { headers }));
}

export async function forget(form) {
  const id = read(form)?.id;
  if (!id) return;
  sessionStorage.removeItem(place(form));
  const store = await photos();
  await store?.delete(`/draft/${id}`);
}

// Whether somebody chose it, and not the form itself.
function isChosen(field) {
  if (TICKS.includes(field.type)) return field.checked && !field.defaultChecked;
  if (field.localName === "select") {
    const usual = [...field.options].findIndex((option) => option.defaultSelected);
    return field.selectedIndex !== Math.max(0, usual);
  }
  return field.value !== "" && field.value !== field.defaultValue;
}

// Fill the form in as it was; returns the photo, or nothing.
export async function restore(form) {
  const draft = read(form);
  const store = await photos();
  for (const request of (await store?.keys()) || []) {
    const kept = await store.match(request);
    if (Date.now() - kept.headers.get("X-Kept") > DAY_MS) await store.delete(request);
  }
  if (!draft) return null;
  for (const field of fieldsOf(form)) {
    const values = draft.fields[field.name];
    if (!values) continue;
    if (TICKS.includes(field.type)) field.checked = values.includes(field.value);
    // Fields of one name have their words in order.
    else if (values.length) field.value = values.shift();
    if (isChosen(field)) field.closest("details")?.setAttribute("open", "");
  }
  const kept = await store?.match(`/draft/${draft.id}`);
  if (!kept) return null;
  const content = await kept.blob();
  return new File([content], decodeURIComponent(kept.headers.get("X-Name")), { type: content.type });
}
