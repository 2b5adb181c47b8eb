using System.CommandLine.Completions;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>Completes values in the shell with what belongs to the caller.</summary>
internal static class UserCompletions
{
    /// <summary>Completes the users that the caller can act as.</summary>
    public static IEnumerable<CompletionItem> Users(CompletionContext context) => Suggestions.FromDaemon(context, async (ca, _) =>
        (await ca.Send(Routes.GetMyCapabilities, new GetMyCapabilities())).Users.Select(user => new CompletionItem(user)));

    /// <summary>Completes the roles that the user can request.</summary>
    public static IEnumerable<CompletionItem> RequestableRoles(CompletionContext context) =>
        Suggestions.FromDaemon(context, async (ca, parsed) =>
        (await ca.Send(
            Routes.GetMyCapabilities, new GetMyCapabilities(UserOption.Chosen(parsed, Home.Chosen(parsed))))).RequestableRoles.Select(
                role => new CompletionItem(role)));

    /// <summary>Completes the nodes that the user can request by name.</summary>
    public static IEnumerable<CompletionItem> RequestableResources(CompletionContext context) =>
        Suggestions.FromDaemon(context, async (ca, parsed) =>
        (await ca.Send(Routes.SearchResources, new SearchResources(User: UserOption.Chosen(parsed, Home.Chosen(parsed))))).Resources
            .Select(found => new CompletionItem(found.Resource, detail: Wording.Labels(found.Labels))));

    /// <summary>Completes the user's requests in the given states; without any, all requests.</summary>
    public static Func<CompletionContext, IEnumerable<CompletionItem>> Requests(params string[] states) =>
        context => Suggestions.FromDaemon(context, async (ca, parsed) =>
        Suggestions.For(
            (await ca.Send(Routes.ListMyRequests, new ListMyRequests(UserOption.Chosen(parsed, Home.Chosen(parsed))))).Requests, states));

    /// <summary>Completes the requests that wait for the user's review.</summary>
    public static IEnumerable<CompletionItem> Reviewable(CompletionContext context) =>
        Suggestions.FromDaemon(context, async (ca, parsed) =>
        Suggestions.For(
            (await ca.Send(
                Routes.ListMyRequests,
                new ListMyRequests(UserOption.Chosen(parsed, Home.Chosen(parsed)), RequestViews.Reviewable))).Requests));

    /// <summary>Completes the serials of the user's live certificates.</summary>
    public static IEnumerable<CompletionItem> LiveSerials(CompletionContext context) =>
        Suggestions.FromDaemon(context, async (ca, parsed) =>
        (await ca.Send(
            Routes.ListMyCertificates,
            new ListMyCertificates(UserOption.Chosen(parsed, Home.Chosen(parsed)), CertificateStates.Live))).Certificates
            .Select(certificate => new CompletionItem(certificate.Serial, detail: string.Join(", ", certificate.Principals))));

    /// <summary>Completes the hosts that the user can reach.</summary>
    public static IEnumerable<CompletionItem> Nodes(CompletionContext context) => Nodes(context, node => [node.Name]);

    /// <summary>Completes hosts; after a typed <c>LOGIN@</c>, only those where the user has that login.</summary>
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
