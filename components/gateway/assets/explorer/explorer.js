// Sends GraphQL requests and shows the answers. Subscriptions are shown as they arrive.
"use strict";

const byId = (id) => document.getElementById(id);
const [form, query, variables, headers, answer, status, stop] =
  ["request", "query", "variables", "headers", "answer", "status", "stop"].map(byId);

query.value = `{
  products {
    _id
    name
    price
    quantity
  }
}
`;

const readObject = (field, name) => {
  if (!field.value.trim()) return {};
  let value;
  try {
    value = JSON.parse(field.value);
  } catch (error) {
    throw new Error(`${name} must be JSON: ${error.message}`);
  }
  if (value === null || typeof value !== "object" || Array.isArray(value)) throw new Error(`${name} must be a JSON object.`);
  return value;
};

const show = (text, failed) => {
  answer.textContent = text;
  answer.classList.toggle("failed", failed);
};

const showResult = (result) => show(JSON.stringify(result, null, 2), Boolean(result.errors));

// Calls `receive` with each event of a stream. Returns the event "complete", or undefined if the connection ended before it.
const readEvents = async (body, receive) => {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const events = (text + part.value).split("\n\n");
    text = events.pop();
    for (const lines of events) {
      const event = Object.fromEntries(lines.split("\n").map((line) => line.split(/: ?(.*)/s)));
      if (event.event === "complete") return event;
      receive(event);
    }
  }
};

// Sends the request. If a stream of events ends before it is complete, sends the request again from the last event.
const send = async (request, extra, signal) => {
  for (let last = "", delay = 0; ; await new Promise((resolve) => setTimeout(resolve, delay))) {
    signal.throwIfAborted();
    const response = await fetch(location.pathname, {
      method: "POST",
      headers: {
        accept: "application/json, text/event-stream;q=0.5",
        "content-type": "application/json",
        ...(last && { "last-event-id": last }),
        ...extra,
      },
      body: JSON.stringify(request),
      signal,
    });
    status.textContent = `${response.status} ${response.statusText}`;
    if (!response.headers.get("content-type")?.startsWith("text/event-stream")) return showResult(await response.json());
    const complete = await readEvents(response.body, (event) => {
      last = event.id ?? last;
      delay = Number(event.retry ?? 1000);
      if (event.event === "next") showResult(JSON.parse(event.data));
    });
    if (complete) return;
    status.textContent = "Waiting for events…";
  }
};

let running;

const run = async () => {
  running?.abort();
  const controller = (running = new AbortController());
  stop.disabled = false;
  status.textContent = "Running…";
  show("", false);
  try {
    const request = { query: query.value, variables: readObject(variables, "Variables") };
    await send(request, readObject(headers, "Headers"), controller.signal);
  } catch (error) {
    if (!controller.signal.aborted) {
      status.textContent = "Failed";
      show(error.message, true);
    }
  } finally {
    if (running === controller) stop.disabled = true;
  }
};

form.addEventListener("submit", (event) => {
  event.preventDefault();
  run();
});
form.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  run();
});
stop.addEventListener("click", () => {
  running?.abort();
  status.textContent = "Stopped";
  stop.disabled = true;
});
