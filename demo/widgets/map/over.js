// What comes and goes above the marks: the current picture, lines to the images most like it and its trail, and rings
// around images.

fmnist.makeMapOver = (canvas, view) => {
  const context = canvas.getContext("2d");

  const ring = (place, radius) => {
    context.beginPath();
    context.arc(...view.toPage(place), radius, 0, 2 * Math.PI);
    context.stroke();
  };
  const line = (from, to) => {
    context.beginPath();
    context.moveTo(...view.toPage(from));
    context.lineTo(...view.toPage(to));
    context.stroke();
  };

  // All in places: ``you`` of the current picture (or null), ``alike`` of the images most like it, ``trail`` of where
  // it was, ``marked`` of images that another view is about, ``lit`` of the one that the visitor is at (or null).
  // ``look`` holds the colours of the page.
  const paint = ({ you, alike, trail, marked, lit }, look) => {
    if (!view.fit(canvas)) context.clearRect(0, 0, view.width, view.height);
    context.globalAlpha = 1;
    context.strokeStyle = look.ink;
    context.lineWidth = 1.5;
    for (const place of marked) ring(place, 6);
    if (you) {
      context.lineWidth = 1;
      context.globalAlpha = 0.55;
      for (const place of alike) line(you, place);
      context.strokeStyle = look.accent;
      context.lineWidth = 2.5;
      for (let i = 1; i < trail.length; i++) {
        context.globalAlpha = i / trail.length;
        line(trail[i - 1], trail[i]);
      }
    }
    context.globalAlpha = 1;
    if (lit) {
      for (const [colour, width] of [[look.ground, 5], [look.accent, 2.5]]) {
        [context.strokeStyle, context.lineWidth] = [colour, width];
        ring(lit, 9);
      }
    }
    if (you) {
      context.strokeStyle = look.ink;
      context.fillStyle = look.ground;
      context.lineWidth = 3.5;
      ring(you, 8);
      context.fill();
    }
  };

  return { paint };
};
