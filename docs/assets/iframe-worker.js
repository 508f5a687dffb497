// Where pages are opened from a disk, browsers allow no workers. There the search works in a hidden frame instead.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      this.frame = document.createElement("iframe");
      this.frame.hidden = true;
      this.ready = new Promise((loaded) => this.frame.addEventListener("load", loaded));
      document.body.append(this.frame);
      this.frame.answered = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
      const page = this.frame.contentDocument;
      page.open();
      page.write(`<script>self.postMessage = (data) => frameElement.answered(data)</${"script"}>`);
      page.write(`<script src="${url}"></${"script"}>`);
      page.close();
    }

    postMessage(data) {
      this.ready.then(() => this.frame.contentWindow.dispatchEvent(new MessageEvent("message", { data })));
    }

    terminate() {
      this.frame.remove();
    }
  };
}
