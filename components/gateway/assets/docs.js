// Shows the OpenAPI document and sends requests.
"use strict";

const element = (name, attributes = {}, ...children) => {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
};

const resolve = (api, schema) =>
  schema?.$ref ? schema.$ref.slice(2).split("/").reduce((found, part) => found[part], api) : schema;

// Returns a value of a schema with its required fields.
const sample = (api, given) => {
  const schema = resolve(api, given) ?? {};
  const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
  if (schema.enum) return schema.enum[0];
  if (schema.oneOf) return schema.oneOf[0].const ?? null;
  if (type === "object") {
    return Object.fromEntries((schema.required ?? []).map((name) => [name, sample(api, schema.properties[name])]));
  }
  if (type === "array") return [sample(api, schema.items)];
  return { string: "", integer: 1, number: 1, boolean: true }[type] ?? null;
};

const field = (parameter) => {
  const input = element("input", { name: parameter.name, spellcheck: "false" });
  input.dataset.in = parameter.in;
  if (parameter.required) input.required = true;
  const label = element("label", {}, `${parameter.name} (${parameter.in})`, input);
  if (parameter.description) label.append(element("small", {}, parameter.description));
  return label;
};

const send = async (method, path, form, output) => {
  const headers = new Headers();
  const query = new URLSearchParams();
  let url = path;
  for (const input of form.querySelectorAll("input")) {
    if (input.value === "") continue;
    if (input.dataset.in === "path") url = url.replace(`{${input.name}}`, encodeURIComponent(input.value));
    if (input.dataset.in === "query") query.set(input.name, input.value);
    if (input.dataset.in === "header") headers.set(input.name, input.value);
  }
  const token = document.getElementById("token").value;
  const key = document.getElementById("key").value;
  if (token) headers.set("authorization", `Bearer ${token}`);
  if (key) headers.set("x-api-key", key);
  const body = form.querySelector("textarea")?.value || undefined;
  if (body) headers.set("content-type", "application/json");
  if (query.size) url += `?${query}`;
  output.hidden = false;
  output.textContent = "…";
  try {
    const response = await fetch(url, { method, headers, body, cache: "no-store" });
    const text = await response.text();
    let shown = text;
    try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch { /* Not JSON: shown unchanged. */ }
    const lines = [...response.headers].map(([name, value]) => `${name}: ${value}`);
    output.textContent = `${response.status} ${response.statusText}\n${lines.join("\n")}\n\n${shown}`;
  } catch (error) {
    output.textContent = `No answer: ${error.message}`;
  }
};

const operation = (api, path, method, described) => {
  const form = element("form");
  for (const parameter of described.parameters) form.append(field(parameter));
  const schema = described.requestBody?.content["application/json"].schema;
  if (schema) {
    const area = element("textarea", { spellcheck: "false" });
    area.value = JSON.stringify(sample(api, schema), null, 2);
    form.append(element("label", {}, "body", area));
  }
  const output = element("pre", { tabindex: "0", role: "status", "aria-label": "The answer" });
  output.hidden = true;
  form.append(element("button", {}, "Send"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(method.toUpperCase(), path, form, output);
  });
  const title = element("summary", {}, element("code", {}, `${method.toUpperCase()} ${path}`), ` ${described.summary}`);
  const box = element("details", {}, title);
  if (described.description) box.append(element("p", {}, described.description));
  box.append(form, output);
  return box;
};

const show = (api) => {
  document.getElementById("about").textContent = api.info.description;
  const areas = new Map();
  for (const [path, item] of Object.entries(api.paths)) {
    for (const [method, described] of Object.entries(item)) {
      const [area] = described.tags;
      if (!areas.has(area)) areas.set(area, element("section", {}, element("h2", {}, area)));
      areas.get(area).append(operation(api, path, method, described));
    }
  }
  document.getElementById("operations").append(...areas.values());
};

fetch("/openapi.json")
  .then((response) => response.json())
  .then(show)
  .catch((error) => { document.getElementById("about").textContent = `The document cannot be read: ${error.message}`; });
