using System.CommandLine;
using System.CommandLine.Parsing;

namespace CertAuthority.Tsh;

/// <summary>
/// The options of ssh itself, which <c>tsh ssh</c> passes on unchanged. scp, sftp, rsync and git pass them to the program that runs instead
/// of ssh. <c>-l</c> is not included, because tsh must know the login.
/// </summary>
internal sealed class SshOptions
{
    // From ssh(1) of OpenSSH 10.2. -Q and -V are left out, because they name no host.
    private const string Flags = "46AaCfGgKkMNnqsTtvXxYy";
    private const string WithValue = "BbcDEeFIiJLmOoPpRSWw";

    /// <summary>Options that take no value. Each can be given several times: <c>-vvv</c>.</summary>
    public Option<bool> Flag { get; } = new("-4", Aliases(Flags))
    {
        Description = "Options of ssh, passed on as they are: see ssh(1)",
        Arity = ArgumentArity.Zero,
    };

    /// <summary>Options with a value.</summary>
    public Option<string[]> Value { get; } = new("-B", Aliases(WithValue))
    {
        HelpName = "VALUE",
        Description =
            "The same, with a value: -p 2222, -L 8080:localhost:80, -o ConnectTimeout=5. They win over the defaults; a key of -i is offered second",
    };

    /// <summary>Returns the options of ssh on a command line, in order.</summary>
    public IReadOnlyList<string> Given(ParseResult parsed)
    {
        var given = new List<string>();
        var isValue = false;
        foreach (var token in parsed.Tokens.TakeWhile(token => token.Type != TokenType.DoubleDash))
        {
            if (isValue || (token.Type == TokenType.Option && (Names(Flag).Contains(token.Value) || Names(Value).Contains(token.Value))))
                given.Add(token.Value);
            isValue = !isValue && token.Type == TokenType.Option && Names(Value).Contains(token.Value);
        }
        return given;
    }

    /// <summary>Returns the login that an option sets: <c>-o User=root</c>.</summary>
    public static string? Login(IReadOnlyList<string> given)
    {
        for (var i = 1; i < given.Count; i++)
            if (given[i - 1] == "-o" && given[i].Split(['=', ' '], 2, StringSplitOptions.TrimEntries) is [var name, var value]
                && name.Equals("User", StringComparison.OrdinalIgnoreCase))
                return value.Trim('"');
        return null;
    }

    /// <summary>
    /// Converts a command line of tsh to the form that the parser reads. The words after <c>tsh ssh</c> follow the rules of ssh:
    /// <c>-vNf</c> is three options, <c>-p22</c> has its value attached, options can follow the node, and everything from the next word
    /// after the node on is the remote command.
    /// </summary>
    public static IReadOnlyList<string> Separate(string[] args)
    {
        string[] takeValue = ["--server", "--proxy", "--user", "--profile", "--login"];
        var separate = new List<string>();
        var words = 0;
        for (var i = 0; i < args.Length; i++)
        {
            if (args[i] == "--")
                return [.. separate, .. args[i..]];
            if (args[i].StartsWith("--", StringComparison.Ordinal))
            {
                separate.Add(args[i]);
                if (takeValue.Contains(args[i]) && i + 1 < args.Length)
                    separate.Add(args[++i]);
            }
            else if (args[i] is ['-', _, ..])
                i += words == 0 ? Keep(args[i]) : Letters(args[i], i + 1 < args.Length ? args[i + 1] : null);
            else if (words++ == 0 && args[i] != "ssh")
                return args;
            else if (words == 3)
                return [.. separate, "--", .. args[i..]];
            else
                separate.Add(args[i]);
        }
        return words == 2 ? [.. separate, "--"] : separate;

        int Keep(string word)
        {
            separate.Add(word);
            return 0;
        }

        // Splits a word as getopt does, and returns the number of words that belong to it.
        int Letters(string word, string? next)
        {
            for (var at = 1; at < word.Length; at++)
            {
                var isValue = word[at] == 'l' || WithValue.Contains(word[at], StringComparison.Ordinal);
                if (!isValue && !Flags.Contains(word[at], StringComparison.Ordinal))
                {
                    separate.Add(at == 1 ? word : $"-{word[at..]}");
                    return 0;
                }
                var value = !isValue ? null : at + 1 < word.Length ? word[(at + 1)..] : next;
                // The parser mistakes a value that begins with a dash for an option, unless it is attached.
                separate.AddRange(
                    value is ['-', ..] ? [$"-{word[at]}={value}"] : value is null ? [$"-{word[at]}"] : [$"-{word[at]}", value]);
                if (isValue)
                    return at + 1 < word.Length || next is null ? 0 : 1;
            }
            return 0;
        }
    }

    private static string[] Aliases(string letters) => [.. letters.Skip(1).Select(letter => $"-{letter}")];

    private static IEnumerable<string> Names(Option option) => option.Aliases.Append(option.Name);
}
