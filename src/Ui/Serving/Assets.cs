namespace CertAuthority.Ui.Serving;

/// <summary>The files of the page, which are in this assembly.</summary>
internal static class Assets
{
    private static readonly Dictionary<string, string> Types = new()
    {
        ["/style.css"] = "text/css; charset=utf-8",
        ["/page.js"] = "text/javascript; charset=utf-8",
        ["/icon.svg"] = "image/svg+xml",
    };

    /// <summary>Returns a file and its type; null if there is none with this path.</summary>
    public static (string Type, Stream Content)? Find(string path) =>
        Types.TryGetValue(path, out var type) ? (type, typeof(Assets).Assembly.GetManifestResourceStream(path[1..])!) : null;
}
