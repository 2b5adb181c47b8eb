using System.CommandLine;
using System.CommandLine.Completions;
using CertAuthority.Protocol;

namespace CertAuthority.Terminal;

/// <summary>Values that options and arguments offer to a shell.</summary>
public static class Suggestions
{
    internal const string FilesLabel = ":files";

    private const string Variable = "CERTAUTHORITY_COMPLETION_SECONDS";

    // Longer than an answer takes, shorter than anybody waits at a prompt; where the way to the daemon is long, its user says so.
    private static TimeSpan Patience =>
        int.TryParse(Environment.GetEnvironmentVariable(Variable), out var seconds) && seconds is > 0 and <= 60
            ? TimeSpan.FromSeconds(seconds)
            : TimeSpan.FromSeconds(1);

    /// <summary>Names of files; the shell finds them.</summary>
    public static IEnumerable<CompletionItem> Files(CompletionContext context) => [new(FilesLabel)];

    /// <summary>What the daemon that the line means knows; nothing if it does not answer at once.</summary>
    /// <param name="context">The line so far.</param>
    /// <param name="ask">Asks, and picks values out of the answer.</param>
    public static IEnumerable<CompletionItem> FromDaemon(
        CompletionContext context, Func<CaClient, ParseResult, Task<IEnumerable<CompletionItem>>> ask)
    {
        // What --help gives, to list the values of an option: it must not depend on a daemon.
        if (ReferenceEquals(context, CompletionContext.Empty))
            return [];
        try
        {
            var patience = Patience;
            using var ca = ServerOption.ConnectInPassing(context.ParseResult, patience);
            return [.. ask(ca, context.ParseResult).WaitAsync(patience).GetAwaiter().GetResult()];
        }
        catch (Exception)
        {
            // No daemon, a refusal, half a word where --server stands: no values, and no talk at a prompt.
            return [];
        }
    }

    /// <summary>A request as a value: its id, and what it is about.</summary>
    public static IEnumerable<CompletionItem> For(IEnumerable<RequestResource> requests, params string[] states) => requests
        .Where(request => states is [] || states.Contains(request.Spec.State))
        .Select(
            request => new CompletionItem(
                request.Metadata.Name, detail: $"{request.Spec.User}: {string.Join(", ", request.Spec.Roles)}, {request.Spec.State}"));
}
