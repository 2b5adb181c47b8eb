using System.CommandLine;
using System.Text;
using CertAuthority.Tctl;
using CertAuthority.Terminal;
using CertAuthority.Tsh;

namespace CertAuthority.Tests.Unit.Docs;

/// <summary>A command line as text, and what the programs' own parsers make of it.</summary>
internal static class CommandLine
{
    /// <summary>What tsh or tctl understands.</summary>
    /// <param name="words">The first is the program.</param>
    public static ParseResult Parse(string[] words)
    {
        var (program, args) = words is [var first, .. var rest] ? (first, rest) : throw new ArgumentException("no words", nameof(words));
        return program == "tsh" ? Shell.Parse(new TshCommand(), [.. SshOptions.Separate(args)]) : Shell.Parse(new TctlCommand(), args);
    }

    /// <summary>As a shell takes a line apart, as far as our texts need it: quotes and blanks.</summary>
    public static string[] Words(string command)
    {
        var words = new List<string>();
        var word = new StringBuilder();
        var quote = '\0';
        foreach (var c in command + " ")
        {
            if (quote != '\0' && c == quote)
                quote = '\0';
            else if (quote == '\0' && c is '"' or '\'')
                quote = c;
            else if (quote == '\0' && c == ' ')
            {
                if (word.Length > 0)
                    words.Add(word.ToString());
                word.Clear();
            }
            else
                word.Append(c);
        }
        return [.. words];
    }
}
