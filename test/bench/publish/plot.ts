import { init, type EChartsOption } from 'echarts';

/** A line: what grows, over what it grows with. */
export interface PlotLine {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

/** Some lines over one axis. */
export interface Plot {
  readonly title: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly lines: readonly PlotLine[];
}

interface Axis {
  readonly name: string;
  /** Steps of ten are as far apart as the next ones: what grows linearly is a straight line of 45 degrees. */
  readonly logarithmic?: boolean;
}

const WIDTH = 860;
const LEAST_HEIGHT = 420;
const LEGEND_WIDTH = 230;

/** The legend has a line for each, below the title. */
const LEGEND_TOP = 40;
const LEGEND_LINE = 19;

/** Lines that have the same colour, because there are more of them than colours, have other marks. */
const SYMBOLS = ['circle', 'rect', 'triangle', 'diamond'] as const;
const COLOURS = 9;

/** A plot as an SVG document; the same one for the same figures. */
export function toSvg(plot: Plot): string {
  const height = Math.max(LEAST_HEIGHT, LEGEND_TOP + LEGEND_LINE * (plot.lines.length + 1));
  const chart = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height });
  chart.setOption(optionOf(plot));
  const svg = chart.renderToSVGString();
  chart.dispose();
  return `${withoutCounters(svg)}\n`;
}

/** The library numbers what it draws over all plots, for the mouse, which has nothing to do here. */
const withoutCounters = (svg: string): string =>
  svg
    .replace(/<style[^]*?<\/style>/, '')
    .replaceAll(/ (?:class|ecmeta_\w+)="[^"]*"/g, '')
    .replaceAll(/\bzr\d+-/g, 'plot-');

const optionOf = ({ title, x, y, lines }: Plot): EChartsOption => ({
  animation: false,
  backgroundColor: '#ffffff',
  title: { text: title, left: 12, top: 8, textStyle: { fontSize: 15 } },
  grid: { left: 70, right: LEGEND_WIDTH + 20, top: 60, bottom: 50 },
  legend: {
    orient: 'vertical',
    right: 8,
    top: LEGEND_TOP,
    itemGap: 5,
    textStyle: { width: LEGEND_WIDTH - 40, overflow: 'truncate', fontSize: 11 },
  },
  xAxis: { ...axisOf(x), nameLocation: 'middle', nameGap: 28, min: 'dataMin', max: 'dataMax' },
  yAxis: { ...axisOf(y), nameLocation: 'end' },
  series: lines.map(({ name, points }, n) => ({
    name,
    type: 'line',
    symbol: SYMBOLS[Math.floor(n / COLOURS) % SYMBOLS.length],
    symbolSize: points.length > 50 ? 0 : 6,
    lineStyle: { width: 1.5 },
    data: points.map(point => [...point]),
  })),
});

const axisOf = ({ name, logarithmic }: Axis) =>
  ({
    name,
    type: logarithmic ? 'log' : 'value',
    axisLabel: { formatter: shortNumber },
    minorSplitLine: { show: false },
  }) as const;

const shortNumber = (value: number): string =>
  value >= 1e6 ? `${value / 1e6}M` : value >= 1e3 ? `${value / 1e3}k` : String(value);
