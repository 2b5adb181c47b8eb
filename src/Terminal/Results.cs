using System.CommandLine;
using CertAuthority.Protocol;

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

    /// <summary>
    /// What an error or a warning begins with, so that it says which name it means: <c>1527bc34: </c>. Empty if there is one name only.
    /// </summary>
    public string About { get; private set; } = "";

    /// <summary>
    /// Makes a change for each name. A change that is refused does not stop the rest, but makes the command fail; with a usage error, if
    /// the line was at fault for every name.
    /// </summary>
    /// <param name="names">The names, in the order of the line.</param>
    /// <param name="change">Makes one change, and adds its result.</param>
    /// <returns>One of <see cref="ExitCode"/>.</returns>
    public async Task<int> Each(IReadOnlyCollection<string> names, Func<string, Task> change)
    {
        var (refusals, usages) = (0, 0);
        foreach (var name in names)
            try
            {
                About = names.Count > 1 ? $"{name}: " : "";
                await change(name);
            }
            catch (ProblemException refused)
            {
                parsed.Complain(refused.Problem, About);
                refusals++;
                usages += parsed.IsUsage(refused.Problem) ? 1 : 0;
            }
            // Somebody said no to this one.
            catch (FailureException failure)
            {
                parsed.Complain(About + failure.Message, failure.Hint);
                refusals++;
                usages += failure.ExitCode == ExitCode.Usage ? 1 : 0;
            }
        End();
        return refusals == 0 ? ExitCode.Done : usages == names.Count ? ExitCode.Usage : ExitCode.Failed;
    }

    /// <summary>Prints the array if the user wants JSON. Changes that were refused are not in it.</summary>
    public void End()
    {
        if (FormatOption.IsJson(parsed))
            parsed.PrintJson(done.ToArray());
    }
}
