using System.CommandLine;

namespace CertAuthority.Terminal;

/// <summary><c>--format</c>: the output format of a list.</summary>
public sealed class FormatOption : Option<string>
{
    /// <summary>A table.</summary>
    public const string Text = "text";
    /// <summary>One array.</summary>
    public const string Json = "json";
    /// <summary>Documents, in the form used in files.</summary>
    public const string Yaml = "yaml";

    /// <summary>Creates the option.</summary>
    /// <param name="formats">The accepted formats; the first is the default.</param>
    public FormatOption(params string[] formats)
        : base("--format")
    {
        if (formats is [])
            formats = [Text, Json];
        Description = $"How to write it: {string.Join(", ", formats)}";
        HelpName = string.Join('|', formats);
        CompletionSources.Add(formats);
        DefaultValueFactory = _ => formats[0];
        CustomParser = result =>
        {
            var format = result.Tokens[0].Value;
            if (!formats.Contains(format))
                result.AddError($"--format takes {string.Join(", ", formats[..^1])} or {formats[^1]}, not '{format}'");
            return format;
        };
    }
}
