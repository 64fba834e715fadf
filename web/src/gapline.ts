/** A line series for lightweight-charts that never joins two points across a gap (the library's own line does). */
import {
  customSeriesDefaultOptions, type CustomData, type CustomSeriesOptions, type CustomSeriesPricePlotValues, type CustomSeriesWhitespaceData,
  type ICustomSeriesPaneRenderer, type ICustomSeriesPaneView, type PaneRendererCustomData, type PriceToCoordinateConverter, type Time,
} from 'lightweight-charts';

export interface LinePoint extends CustomData<Time> { value: number }
type Target = Parameters<ICustomSeriesPaneRenderer['draw']>[0];

export class GapLine implements ICustomSeriesPaneView<Time, LinePoint, CustomSeriesOptions> {
  private data: PaneRendererCustomData<Time, LinePoint> | null = null;
  private color = '';

  renderer(): ICustomSeriesPaneRenderer {
    return { draw: (target, toCoordinate) => this.draw(target, toCoordinate) };
  }

  update(data: PaneRendererCustomData<Time, LinePoint>, options: CustomSeriesOptions): void {
    this.data = data;
    this.color = options.color;
  }

  priceValueBuilder(point: LinePoint): CustomSeriesPricePlotValues {
    return [point.value];
  }

  isWhitespace(point: LinePoint | CustomSeriesWhitespaceData<Time>): point is CustomSeriesWhitespaceData<Time> {
    return (point as Partial<LinePoint>).value === undefined;
  }

  defaultOptions(): CustomSeriesOptions {
    return { ...customSeriesDefaultOptions };
  }

  private draw(target: Target, toCoordinate: PriceToCoordinateConverter): void {
    const range = this.data?.visibleRange;
    if (!this.data || !range) return;
    const points = this.data.bars.slice(Math.max(0, range.from - 1), range.to + 1);
    target.useMediaCoordinateSpace(({ context }) => {
      context.strokeStyle = context.fillStyle = this.color;
      context.lineWidth = 1.5;
      context.lineJoin = 'round';
      context.beginPath();
      points.forEach((point, i) => {
        const y = toCoordinate(point.originalData.value);
        if (y === null) return;
        const joined = points[i - 1]?.time === point.time - 1;
        if (joined) context.lineTo(point.x, y);
        else context.moveTo(point.x, y);
        const alone = !joined && points[i + 1]?.time !== point.time + 1;
        if (alone) context.fillRect(point.x - 1, y - 1, 2, 2);
      });
      context.stroke();
    });
  }
}
