using System.CommandLine.Completions;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>What is the caller's own, as values that a shell completes.</summary>
internal static class UserCompletions
{
    /// <summary>The users that the caller can be.</summary>
    public static IEnumerable<CompletionItem> Users(CompletionContext context) => Suggestions.FromDaemon(context, async (ca, _) =>
        (await ca.Send(Routes.GetMyCapabilities, new GetMyCapabilities())).Users.Select(user => new CompletionItem(user)));

    /// <summary>The roles that the user can request.</summary>
    public static IEnumerable<CompletionItem> RequestableRoles(CompletionContext context) =>
        Suggestions.FromDaemon(context, async (ca, parsed) =>
        (await ca.Send(
            Routes.GetMyCapabilities, new GetMyCapabilities(UserOption.Chosen(parsed, Home.Chosen(parsed))))).RequestableRoles.Select(
                role => new CompletionItem(role)));

    /// <summary>The nodes that the user can request by name.</summary>
    public static IEnumerable<CompletionItem> RequestableResources(CompletionContext context) =>
        Suggestions.FromDaemon(context, async (ca, parsed) =>
        (await ca.Send(Routes.SearchResources, new SearchResources(User: UserOption.Chosen(parsed, Home.Chosen(parsed))))).Resources
            .Select(found => new CompletionItem(found.Resource, detail: Wording.Labels(found.Labels))));

    /// <summary>The user's requests, in these states; without any, all.</summary>
    public static Func<CompletionContext, IEnumerable<CompletionItem>> Requests(params string[] states) =>
        context => Suggestions.FromDaemon(context, async (ca, parsed) =>
        Suggestions.For(
            (await ca.Send(Routes.ListMyRequests, new ListMyRequests(UserOption.Chosen(parsed, Home.Chosen(parsed))))).Requests, states));

    /// <summary>The serials of the user's live certificates.</summary>
    public static IEnumerable<CompletionItem> LiveSerials(CompletionContext context) =>
        Suggestions.FromDaemon(context, async (ca, parsed) =>
        (await ca.Send(
            Routes.ListMyCertificates,
            new ListMyCertificates(UserOption.Chosen(parsed, Home.Chosen(parsed)), CertificateStates.Live))).Certificates
            .Select(certificate => new CompletionItem(certificate.Serial, detail: string.Join(", ", certificate.Principals))));

    /// <summary>The hosts within reach.</summary>
    public static IEnumerable<CompletionItem> Nodes(CompletionContext context) => Nodes(context, node => [node.Name]);

    /// <summary>The same behind a login that opens them, where one is typed.</summary>
    public static IEnumerable<CompletionItem> Destinations(CompletionContext context) =>
        context.WordToComplete.Contains('@')
            ? Nodes(
                context,
                node => [
                    .. node.Logins.Select(login => $"{login}@{node.Name}")
                        .Where(one => one.StartsWith(context.WordToComplete, StringComparison.Ordinal))])
            : Nodes(context);

    private static IEnumerable<CompletionItem> Nodes(CompletionContext context, Func<ListedNode, string[]> names) =>
        Suggestions.FromDaemon(context, async (ca, parsed) =>
    {
        var list = await ca.Send(Routes.ListMyNodes, new ListMyNodes(UserOption.Chosen(parsed, Home.Chosen(parsed))));
        return list.Nodes.SelectMany(node => names(node).Select(name => new CompletionItem(name, detail: string.Join(", ", node.Logins))));
    });
}
