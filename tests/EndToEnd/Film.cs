using System.Globalization;
using System.Net;
using System.Text;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>What a screen shows, one picture after the other, as an animated SVG for the documentation.</summary>
/// <param name="title">What happens, for people who do not see it.</param>
internal sealed class Film(string title)
{
    private const int Columns = 100;
    private const int Rows = 24;
    private const int LineHeight = 18;

    private readonly List<(string[] Lines, double Seconds)> pictures = [];

    /// <summary>Starts a screen of the right size.</summary>
    public static Task<Screen> Start(Person person, string socket) => Screen.Start(person, socket, Columns);

    /// <summary>Types a command as soon as the shell asks for one.</summary>
    public async Task Runs(Screen screen, string command, string shows, double seconds = 4)
    {
        await screen.IsBack();
        await Answers(screen, command, shows, seconds);
    }

    /// <summary>Types a line, waits until a line of the screen begins as it should, and takes a picture before and after.</summary>
    public async Task Answers(Screen screen, string line, string shows, double seconds = 4)
    {
        if (line.Length > 0)
        {
            await screen.Press("-l", line);
            await Take(screen, 1.5);
        }
        await screen.Press("Enter");
        await screen.Shows(shows);
        await Take(screen, seconds);
    }

    /// <summary>Takes a picture, which stays for so long.</summary>
    public async Task Take(Screen screen, double seconds) => pictures.Add((await screen.Whole(), seconds));

    /// <summary>Writes the film. Whoever wants no motion sees the last picture.</summary>
    public override string ToString()
    {
        var (whole, at) = (pictures.Sum(picture => picture.Seconds), 0.0);
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {(Columns * 8) + 32} {(Rows * LineHeight) + 24}\" font-family=\"ui-monospace, Menlo, Consolas, monospace\" font-size=\"13.3\">\n");
        svg.Append(CultureInfo.InvariantCulture, $"<title>{WebUtility.HtmlEncode(title)}</title>\n<style>text {{ white-space: pre; fill: #d0d7de }} .command {{ fill: #7ee787 }} g {{ visibility: hidden }} #f{pictures.Count} {{ visibility: visible }}\n");
        svg.Append("@media (prefers-reduced-motion: no-preference) {\n");
        for (var n = 1; n <= pictures.Count; n++)
        {
            var (from, to) = (at / whole * 100, (at += pictures[n - 1].Seconds) / whole * 100);
            svg.Append(CultureInfo.InvariantCulture, $"#f{n} {{ visibility: hidden; animation: a{n} {whole:0.#}s step-end infinite }} @keyframes a{n} {{ 0% {{ visibility: hidden }} {from:0.##}% {{ visibility: visible }} {to:0.##}% {{ visibility: {(n < pictures.Count ? "hidden" : "visible")} }} }}\n");
        }
        svg.Append("}</style>\n<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#0d1117\"/>\n");
        for (var n = 1; n <= pictures.Count; n++)
        {
            svg.Append(CultureInfo.InvariantCulture, $"<g id=\"f{n}\">\n");
            foreach (var (row, line) in pictures[n - 1].Lines.Index().Where(one => one.Item.Length > 0))
                svg.Append(CultureInfo.InvariantCulture, $"<text x=\"16\" y=\"{((row + 1) * LineHeight) + 6}\"{(line.StartsWith("$ ", StringComparison.Ordinal) ? " class=\"command\"" : "")}>{WebUtility.HtmlEncode(line)}</text>\n");
            svg.Append("</g>\n");
        }
        return svg.Append("</svg>\n").ToString();
    }
}
