using System.CommandLine;
using System.CommandLine.Parsing;

namespace CertAuthority.Terminal;

/// <summary><c>--format</c>: the format of the data that a command prints.</summary>
public sealed class FormatOption : Option<string>
{
    /// <summary>Lines or a table.</summary>
    public const string Text = "text";
    /// <summary>A message of the protocol, or an array of them.</summary>
    public const string Json = "json";
    /// <summary>One message of the protocol on each line.</summary>
    public const string JsonLines = "jsonl";
    /// <summary>Metrics, in the text format of Prometheus.</summary>
    public const string Prometheus = "prometheus";
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

    /// <summary>
    /// Whether the user named a format. Unlike the value, it can be asked of a line with a malformed format, which has an error of its own.
    /// </summary>
    public bool IsNamed(CommandResult command, string format) =>
        command.GetResult(this) is { Tokens: [.., var named] } && named.Value == format;

    /// <summary>Whether the user wants JSON from the current command.</summary>
    public static bool IsJson(ParseResult parsed) =>
        parsed.CommandResult.Command.Options.OfType<FormatOption>().Any(format => parsed.GetValue(format) == Json);
}
