// The 28x28 pixels that the network sees of the current picture, and what it was taken for.

fmnist.mountSeen = (element) => {
  const canvas = element.querySelector("canvas");
  const context = canvas.getContext("2d");
  canvas.width = canvas.height = 28;
  const paint = ({ pixels, kind }) => {
    element.querySelector(".kind").textContent = kind ? `Taken for ${kind}.` : "\u00a0";
    context.fillRect(0, 0, 28, 28);
    if (pixels) context.drawImage(fmnist.greyImage(fmnist.bytes(pixels)), 0, 0);
  };
  paint({});
  fmnist.on("answer", paint);
};
