using System.CommandLine;

namespace CertAuthority.Terminal;

/// <summary>
/// The results of a command that changes several things, one at a time. Text appears as each is done; JSON is one array, so it is printed
/// at the end.
/// </summary>
/// <typeparam name="T">The daemon's answer to one change.</typeparam>
public sealed class Results<T>(ParseResult parsed)
{
    private readonly List<T> done = [];

    /// <summary>Adds what was done, and prints it unless the user wants JSON.</summary>
    public void Add(T result, params string[] text)
    {
        done.Add(result);
        if (!FormatOption.IsJson(parsed))
            parsed.Print(text);
    }

    /// <summary>Prints the array if the user wants JSON. Changes that were refused are not in it.</summary>
    public void End()
    {
        if (FormatOption.IsJson(parsed))
            parsed.PrintJson(done.ToArray());
    }
}
