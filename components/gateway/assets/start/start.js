// Writes the address of this shop into the requests, and adds a button that copies each of them.
"use strict";

for (const origin of document.querySelectorAll(".origin")) origin.textContent = location.origin;

for (const command of document.querySelectorAll("pre")) {
  command.tabIndex = 0;
  // Browsers allow the clipboard only to pages of HTTPS and of this machine.
  if (!navigator.clipboard) continue;
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(command.textContent);
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = "Copy"), 2000);
  });
  command.after(button);
}
