using System.CommandLine.Completions;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary>Completes values in the shell with what the daemon has.</summary>
internal static class AdminCompletions
{
    public static IEnumerable<CompletionItem> Users(CompletionContext context) => Names(context, ResourceKinds.User);

    public static IEnumerable<CompletionItem> Roles(CompletionContext context) => Names(context, ResourceKinds.Role);

    public static IEnumerable<CompletionItem> Nodes(CompletionContext context) => Names(context, ResourceKinds.Node);

    public static IEnumerable<CompletionItem> JumpHosts(CompletionContext context) => NodesThat(context, node => node.Jump);

    /// <summary>Completes hosts that plain keys open too.</summary>
    public static IEnumerable<CompletionItem> Pilots(CompletionContext context) => NodesThat(context, node => node.KeepKeys);

    public static IEnumerable<CompletionItem> JoinTokens(CompletionContext context) => Suggestions.FromDaemon(context, async (ca, _) =>
        (await ca.Send(Routes.ListJoinTokens, new ListJoinTokens())).Tokens
            .Select(token => new CompletionItem(token.Id, detail: $"{token.Name}, until {Wording.Time(token.Ends)}")));

    /// <summary>Completes <c>node/NAME</c>.</summary>
    public static IEnumerable<CompletionItem> NodesAsResources(CompletionContext context) =>
        Nodes(context).Select(item => new CompletionItem($"{new ResourceReference(ResourceKinds.Node, item.Label)}"));

    /// <summary>Completes <c>KIND/NAME</c>: kinds first, and names once the kind is typed.</summary>
    public static IEnumerable<CompletionItem> Resources(CompletionContext context)
    {
        var typed = context.WordToComplete[(context.WordToComplete.LastIndexOf(',') + 1)..];
        return typed.Split('/', 2) is [var kind, _]
            ? Names(context, ResourceReference.Parse(typed).Kind).Select(item => new CompletionItem($"{kind}/{item.Label}"))
            : Kinds(context).Select(one => new CompletionItem($"{one}/"));
    }

    /// <summary>Completes <c>KIND/NAME</c>, or a kind alone for all of its resources.</summary>
    public static IEnumerable<CompletionItem> KindsAndResources(CompletionContext context) =>
        Resources(context).Concat(Kinds(context).Select(one => new CompletionItem(ResourceReference.Plural(one))))
            .Append(new CompletionItem(ResourceKinds.All));

    /// <summary>Completes requests in the given states; without any, all requests.</summary>
    public static Func<CompletionContext, IEnumerable<CompletionItem>> Requests(params string[] states) =>
        context => Suggestions.FromDaemon(context, async (ca, _) =>
        Suggestions.For((await ca.Send(Routes.ListRequests, new ListRequests())).Requests, states));

    /// <summary>Completes the serials of certificates that can be revoked.</summary>
    public static IEnumerable<CompletionItem> Serials(CompletionContext context) => Suggestions.FromDaemon(context, async (ca, _) =>
        (await ca.Send(Routes.ListCertificates, new ListCertificates(State: CertificateStates.Live))).Certificates
            .Select(
                certificate => new CompletionItem(
                    certificate.Serial, detail: $"{certificate.KeyId}, until {Wording.Time(certificate.ValidBefore)}")));

    /// <summary>Completes the numbers of reviews of who has access that nobody has signed yet.</summary>
    public static IEnumerable<CompletionItem> OpenAccessReviews(CompletionContext context) =>
        Suggestions.FromDaemon(context, async (ca, _) =>
        (await ca.Send(Routes.ListAccessReviews, new ListAccessReviews())).Reviews.Where(review => review.Signature is null)
            .Select(review => new CompletionItem($"{review.Number}", detail: $"{review.StartedBy}, {Wording.Time(review.Started)}")));

    private static IEnumerable<CompletionItem> NodesThat(CompletionContext context, Func<NodeStatus, bool> fits) =>
        Suggestions.FromDaemon(
            context,
            async (ca, _) =>
                (await ca.Send(Routes.ListNodes, new ListNodes())).Nodes.Where(fits).Select(node => new CompletionItem(node.Name)));

    private static IEnumerable<string> Kinds(CompletionContext context) =>
        Suggestions.FromDaemon(
            context,
            async (ca, _) => (await ca.Send(Routes.ListKinds, new ListKinds())).Kinds.Select(kind => new CompletionItem(kind.Name)))
            .Select(item => item.Label).ToList() is [_, ..] served
            ? served
            : ResourceReference.KnownKinds;

    private static IEnumerable<CompletionItem> Names(CompletionContext context, string kind) =>
        Suggestions.FromDaemon(context, async (ca, _) =>
        (await ca.Send(Routes.GetResources, new GetResources(kind))).Resources
            .Select(resource => new CompletionItem(resource.GetProperty("metadata").GetProperty("name").GetString()!)));
}
