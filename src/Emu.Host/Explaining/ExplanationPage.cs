using System.Globalization;
using System.Text;

namespace Emu.Host.Explaining;

/// <summary>
/// A story as one HTML page that needs nothing else: styles and script are in it, nothing is fetched. It is light or dark as the reader's system is,
/// and works on a phone and without scripts. It is well-formed XML besides, so that any parser can take it apart.
/// </summary>
internal static class ExplanationPage
{
    private const string ContentPolicy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

    /// <summary>Writes the page.</summary>
    /// <param name="stream">Where it goes.</param>
    /// <param name="milestones">The story.</param>
    /// <param name="lines">The guest's console.</param>
    /// <param name="title">What booted.</param>
    public static void Write(Stream stream, IReadOnlyList<Milestone> milestones, IReadOnlyList<ConsoleLine> lines, string title)
    {
        using StreamWriter page = new(stream, new UTF8Encoding(false), 1 << 16, leaveOpen: true) { NewLine = "\n" };
        page.Write("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n");
        page.Write($"<meta http-equiv=\"Content-Security-Policy\" content=\"{ContentPolicy}\"/>\n<title>How {Escape(title)} boots</title>\n");
        page.Write($"<style>\n{Resource("page.css")}</style>\n</head>\n<body>\n");
        WriteHeader(page, milestones, lines, title);
        WriteTools(page, milestones, lines);
        page.Write("<main>\n<ol class=\"story\">\n");
        WriteStory(page, milestones, lines);
        page.Write("</ol>\n</main>\n<footer>Counts are retired instructions of all processors together; one instruction is a nanosecond of the guest's time, and idle time is skipped. ");
        page.Write("The same kernel with the same options gives the same page. Section numbers of Intel's manual are those of 325384-077; titles last longer.</footer>\n");
        page.Write($"<script>\n{Resource("page.js")}</script>\n</body>\n</html>\n");
    }

    /// <summary>A milestone's class in the style sheet.</summary>
    private static string Class(MilestoneKind kind) => kind.ToString().ToLowerInvariant();

    private static string Name(MilestoneKind kind) => kind switch
    {
        MilestoneKind.Entry => "entry",
        MilestoneKind.Control => "control registers",
        MilestoneKind.Mode => "modes",
        MilestoneKind.Paging => "paging",
        MilestoneKind.Segments => "segments",
        MilestoneKind.Interrupts => "IDT",
        MilestoneKind.Event => "exceptions, interrupts",
        MilestoneKind.Register => "MSRs",
        MilestoneKind.Controller => "controllers, timers",
        MilestoneKind.Hypervisor => "Xen",
        MilestoneKind.Processor => "processors",
        MilestoneKind.User => "ring 3",
        MilestoneKind.Console => "console",
        _ => "end",
    };

    private static void WriteHeader(StreamWriter page, IReadOnlyList<Milestone> milestones, IReadOnlyList<ConsoleLine> lines, string title)
    {
        Milestone last = milestones[^1];
        page.Write($"<header>\n<h1>How {Escape(title)} boots</h1>\n<p>Each milestone on the way, with what it means and what the processor held.</p>\n<dl class=\"numbers\">\n");
        WriteNumber("milestones", milestones.Count.ToString(CultureInfo.InvariantCulture));
        WriteNumber("instructions", last.Count.ToString("N0", CultureInfo.InvariantCulture));
        WriteNumber("the guest's time", BootNarrator.Duration(last.Time));
        WriteNumber("lines on the console", lines.Count.ToString("N0", CultureInfo.InvariantCulture));
        WriteNumber("how it ends", last.Title);
        page.Write("</dl>\n");
        page.Write(TimelineChart.Render(milestones, Class, Name));
        page.Write("</header>\n");

        void WriteNumber(string name, string value) => page.Write($"<div><dt>{name}</dt><dd>{Escape(value)}</dd></div>\n");
    }

    private static void WriteTools(StreamWriter page, IReadOnlyList<Milestone> milestones, IReadOnlyList<ConsoleLine> lines)
    {
        page.Write("<nav class=\"tools\" aria-label=\"What is shown\"><div>\n<button id=\"all\" type=\"button\">Open all tables</button>\n");
        foreach (IGrouping<MilestoneKind, Milestone> group in milestones.GroupBy(milestone => milestone.Kind).OrderBy(group => group.Key))
            WriteBox(Class(group.Key), $"{Name(group.Key)} {group.Count()}", Class(group.Key));
        if (lines.Count != 0)
            WriteBox("lines", "console lines", "console");
        page.Write("</div></nav>\n");

        void WriteBox(string value, string text, string colour) => page.Write(
            $"<label style=\"--kind:var(--{colour})\"><input type=\"checkbox\" value=\"{value}\" checked=\"checked\"/><span class=\"dot\"></span>{text}</label>\n");
    }

    private static void WriteStory(StreamWriter page, IReadOnlyList<Milestone> milestones, IReadOnlyList<ConsoleLine> lines)
    {
        int line = 0;
        foreach (Milestone milestone in milestones)
        {
            WriteMilestone(page, milestone);
            int first = line;
            ulong until = milestone.Number < milestones.Count ? milestones[milestone.Number].Count : ulong.MaxValue;
            while (line < lines.Count && lines[line].Count < until)
                line++;
            if (line == first)
                continue;
            page.Write("<li class=\"lines\" data-kind=\"lines\" style=\"--kind:var(--console)\"><details><summary>");
            page.Write(line - first == 1 ? "1 line" : string.Create(CultureInfo.InvariantCulture, $"{line - first:N0} lines"));
            page.Write(" on the console</summary><pre>");
            for (int i = first; i < line; i++)
                page.Write(Escape(lines[i].Text) + "\n");
            page.Write("</pre></details></li>\n");
        }
    }

    private static void WriteMilestone(StreamWriter page, Milestone milestone)
    {
        string kind = Class(milestone.Kind);
        page.Write($"<li id=\"m{milestone.Number}\" data-kind=\"{kind}\" style=\"--kind:var(--{kind})\"><article>\n");
        page.Write($"<h2><a href=\"#m{milestone.Number}\"><span class=\"nr\">{milestone.Number}</span>{Escape(milestone.Title)}</a></h2>\n");
        page.Write(string.Create(
            CultureInfo.InvariantCulture,
            $"<div class=\"meta\"><span>after {milestone.Count:N0} instructions</span><span>{BootNarrator.Duration(milestone.Time)}</span><span>vCPU {milestone.Vcpu}</span></div>\n"));
        if (milestone.Rip is { } rip)
        {
            page.Write($"<p class=\"where\"><code>0x{rip:x}</code>");
            if (milestone.Symbol is { } symbol)
                page.Write($" <code class=\"symbol\">{Escape(symbol)}</code>");
            if (milestone.Instruction is { } instruction)
                page.Write($" <code class=\"instruction\">{Escape(instruction)}</code>");
            page.Write("</p>\n");
        }

        if (milestone.Text.Length != 0)
            page.Write($"<p class=\"text\">{Escape(milestone.Text)}</p>\n");
        if (milestone.Facts.Count != 0)
        {
            page.Write("<dl class=\"facts\">");
            foreach (Fact fact in milestone.Facts)
                page.Write($"<dt>{Escape(fact.Name)}</dt><dd><span class=\"mono\">{Escape(fact.Value)}</span></dd>");
            page.Write("</dl>\n");
        }

        foreach (Detail detail in milestone.Details.Where(detail => detail.Rows.Count != 0))
            WriteDetail(page, detail);
        if (milestone.Manual is { } manual)
            page.Write($"<p class=\"manual\">{Escape(manual.ToString())}</p>\n");
        page.Write("</article></li>\n");
    }

    private static void WriteDetail(StreamWriter page, Detail detail)
    {
        page.Write($"<details><summary>{Escape(detail.Title)} <span class=\"count\">· {detail.Rows.Count + detail.Omitted}</span></summary><div class=\"wide\"><table><thead><tr>");
        foreach (string column in detail.Columns)
            page.Write($"<th>{Escape(column)}</th>");
        page.Write("</tr></thead><tbody>\n");
        foreach (IReadOnlyList<string> row in detail.Rows)
        {
            page.Write("<tr>");
            for (int i = 0; i < row.Count; i++)
            {
                // Numbers stand under one another; sentences may be broken.
                string style = row[i].Contains('→', StringComparison.Ordinal) ? "changed mono" : detail.Columns[i] is "while it is set" or "what for" or "what it says" ? "prose" : "mono";
                page.Write($"<td class=\"{style}\">{Escape(row[i])}</td>");
            }

            page.Write("</tr>\n");
        }

        page.Write("</tbody></table></div>");
        if (detail.Omitted != 0)
            page.Write($"<p class=\"manual\">and {detail.Omitted} more</p>");
        page.Write("</details>\n");
    }

    /// <summary>Text of the guest's can hold anything: it must stay text.</summary>
    internal static string Escape(string text)
    {
        StringBuilder escaped = new(text.Length);
        foreach (char c in text)
        {
            switch (c)
            {
                case '&':
                    escaped.Append("&amp;");
                    break;
                case '<':
                    escaped.Append("&lt;");
                    break;
                case '>':
                    escaped.Append("&gt;");
                    break;
                case '"':
                    escaped.Append("&quot;");
                    break;
                case < ' ' when c != '\n' && c != '\t':
                case >= '\u007F' and < '\u00A0':
                    escaped.Append('\uFFFD');
                    break;
                default:
                    escaped.Append(c);
                    break;
            }
        }

        return escaped.ToString();
    }

    private static string Resource(string name)
    {
        using Stream stream = typeof(ExplanationPage).Assembly.GetManifestResourceStream(name)!;
        using StreamReader reader = new(stream);
        return reader.ReadToEnd();
    }
}
