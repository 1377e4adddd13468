// Bounds what a run may use; Python sees a MemoryError where the browser would end the whole tab.

export function limitMemory(bytes) {
  const grow = WebAssembly.Memory.prototype.grow;
  WebAssembly.Memory.prototype.grow = function (pages) {
    if (this.buffer.byteLength + pages * 65536 > bytes) throw new RangeError("the lab's memory is full");
    return grow.call(this, pages);
  };
}
