// A manifest that comes as a file: chosen, or dropped anywhere on the page.

// The server takes no more than this; a larger file would only be sent in vain.
const limit = 8 << 20;

// accept reads files from an input and from drops. target is marked while
// something is dragged over the page; take gets { text, name }, complain an Error.
export function accept(input, target, take, complain) {
  const read = async (files) => {
    const [file] = files;
    if (!file) return;
    if (files.length > 1) return complain(new Error("One file at a time: put several manifests into one, with --- between them."));
    if (file.size > limit) return complain(new Error(`“${file.name}” has ${file.size} bytes: want ${limit} at most.`));
    try {
      take({ text: await file.text(), name: file.name });
    } catch (error) {
      complain(new Error(`“${file.name}” cannot be read: ${error.message}`));
    }
  };
  input.addEventListener("change", () => {
    read(input.files);
    input.value = ""; // so that the same file can be chosen again
  });
  const drags = (event) => event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragover", (event) => {
    if (!drags(event)) return;
    event.preventDefault();
    target.classList.add("dropping");
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) target.classList.remove("dropping");
  });
  document.addEventListener("drop", (event) => {
    target.classList.remove("dropping");
    if (!drags(event)) return;
    event.preventDefault();
    read(event.dataTransfer.files);
  });
}
