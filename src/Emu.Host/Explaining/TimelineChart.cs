using System.Globalization;
using System.Text;

namespace Emu.Host.Explaining;

/// <summary>The milestones of a story on a line of instructions, a lane for each kind, as SVG.</summary>
/// <remarks>The scale is logarithmic: a kernel's first thousand instructions hold as much news as its last thousand million.</remarks>
internal static class TimelineChart
{
    private const int ChartWidth = 960, Left = 150, Right = 24, LaneHeight = 20, Top = 8;

    /// <summary>Draws it.</summary>
    /// <param name="milestones">The story.</param>
    /// <param name="colour">The name of a kind's colour.</param>
    /// <param name="name">A kind's name.</param>
    public static string Render(IReadOnlyList<Milestone> milestones, Func<MilestoneKind, string> colour, Func<MilestoneKind, string> name)
    {
        List<MilestoneKind> lanes = [.. milestones.Select(milestone => milestone.Kind).Distinct().Order()];
        int bottom = Top + (lanes.Count * LaneHeight);
        double largest = Math.Max(1, Math.Log10(1 + milestones[^1].Count));
        StringBuilder svg = new();
        svg.Append(CultureInfo.InvariantCulture, $"<div class=\"chart\"><svg viewBox=\"0 0 {ChartWidth} {bottom + 26}\" role=\"img\" aria-label=\"Milestones by instruction count\">\n");
        for (int power = 0; power <= (int)largest; power++)
        {
            double x = X(Math.Pow(10, power) - 1);
            svg.Append(CultureInfo.InvariantCulture, $"<line class=\"grid\" x1=\"{x:F1}\" x2=\"{x:F1}\" y1=\"{Top}\" y2=\"{bottom}\"/>");
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{x:F1}\" y=\"{bottom + 16}\" text-anchor=\"middle\">{Power(power)}</text>\n");
        }

        for (int lane = 0; lane < lanes.Count; lane++)
        {
            int y = Top + (lane * LaneHeight) + (LaneHeight / 2);
            svg.Append(CultureInfo.InvariantCulture, $"<line class=\"grid\" x1=\"{Left}\" x2=\"{ChartWidth - Right}\" y1=\"{y}\" y2=\"{y}\"/>");
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{Left - 12}\" y=\"{y + 4}\" text-anchor=\"end\">{name(lanes[lane])}</text>\n");
        }

        foreach (Milestone milestone in milestones)
        {
            int y = Top + (lanes.IndexOf(milestone.Kind) * LaneHeight) + (LaneHeight / 2);
            svg.Append(CultureInfo.InvariantCulture, $"<a href=\"#m{milestone.Number}\"><circle cx=\"{X(milestone.Count):F1}\" cy=\"{y}\" r=\"5.5\" style=\"fill:var(--{colour(milestone.Kind)})\">");
            svg.Append(CultureInfo.InvariantCulture, $"<title>{milestone.Number}. {ExplanationPage.Escape(milestone.Title)} ({milestone.Count:N0})</title></circle></a>\n");
        }

        return svg.Append("</svg></div>\n").ToString();

        double X(double count) => Left + (Math.Log10(1 + count) / largest * (ChartWidth - Left - Right));
    }

    private static string Power(int power) => power switch
    {
        0 => "entry",
        < 3 => Math.Pow(10, power).ToString("F0", CultureInfo.InvariantCulture),
        < 6 => $"{Math.Pow(10, power - 3):F0}k",
        < 9 => $"{Math.Pow(10, power - 6):F0}M",
        _ => $"{Math.Pow(10, power - 9):F0}G",
    };
}
