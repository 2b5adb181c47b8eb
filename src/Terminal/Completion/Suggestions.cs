using System.CommandLine;
using System.CommandLine.Completions;
using CertAuthority.Protocol;

namespace CertAuthority.Terminal;

/// <summary>Provides values of options and arguments for completion.</summary>
public static class Suggestions
{
    internal const string FilesLabel = ":files";

    private const string Variable = "CERTAUTHORITY_COMPLETION_SECONDS";

    // Longer than an answer takes, and shorter than anybody waits at a prompt; for a slow connection the user sets it with a variable.
    private static TimeSpan Patience =>
        int.TryParse(Environment.GetEnvironmentVariable(Variable), out var seconds) && seconds is > 0 and <= 60
            ? TimeSpan.FromSeconds(seconds)
            : TimeSpan.FromSeconds(1);

    /// <summary>Offers names of files; the shell finds them.</summary>
    public static IEnumerable<CompletionItem> Files(CompletionContext context) => [new(FilesLabel)];

    /// <summary>Offers values from the daemon that the line names; none if it does not answer at once.</summary>
    /// <param name="context">The line so far.</param>
    /// <param name="ask">Sends a request, and selects values from the answer.</param>
    public static IEnumerable<CompletionItem> FromDaemon(
        CompletionContext context, Func<CaClient, ParseResult, Task<IEnumerable<CompletionItem>>> ask)
    {
        // The context of --help, which lists the values of an option and must not depend on a daemon.
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
            // No daemon, a refusal, or half a word after --server: no values, and no message at a prompt.
            return [];
        }
    }

    /// <summary>Returns a request as a value: its ID, and its content.</summary>
    public static IEnumerable<CompletionItem> For(IEnumerable<RequestResource> requests, params string[] states) => requests
        .Where(request => states is [] || states.Contains(request.Spec.State))
        .Select(
            request => new CompletionItem(
                request.Metadata.Name, detail: $"{request.Spec.User}: {string.Join(", ", request.Spec.Roles)}, {request.Spec.State}"));
}
