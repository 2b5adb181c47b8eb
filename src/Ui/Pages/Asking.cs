using CertAuthority.Protocol;
using CertAuthority.Terminal;
using CertAuthority.Ui.Desks;
using CertAuthority.Ui.Serving;

namespace CertAuthority.Ui.Pages;

/// <summary>What the person can ask for, and what a request would open.</summary>
/// <param name="Desk">What the person may do.</param>
/// <param name="Words">The words to search for.</param>
/// <param name="Roles">The roles that match, and those that are chosen.</param>
/// <param name="Hosts">The hosts that match, and those that are chosen.</param>
/// <param name="More">How many more hosts match.</param>
/// <param name="Reason">The reason so far.</param>
/// <param name="Plan">What would be filed; null if nothing is chosen, or if it would be refused.</param>
/// <param name="Refused">Why it would be refused.</param>
/// <param name="Command">The command that files it; null if nothing is chosen.</param>
public sealed record AskModel(
    UserDesk Desk, string Words, IReadOnlyList<AskRole> Roles, IReadOnlyList<AskHost> Hosts, int More, string Reason, RequestPlan? Plan,
    IReadOnlyList<Said> Refused, string? Command);

/// <summary>A role that the person can ask for.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Description">Its description; may be empty.</param>
/// <param name="IsChosen">Whether it is chosen.</param>
public sealed record AskRole(string Name, string Description, bool IsChosen);

/// <summary>A host that the person can ask for.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Labels">Its labels.</param>
/// <param name="Roles">The roles through which it would be asked for.</param>
/// <param name="IsChosen">Whether it is chosen.</param>
public sealed record AskHost(string Name, string Labels, string Roles, bool IsChosen);

/// <summary>Searches for what the person can ask for, shows what it would open, and files the request.</summary>
internal static class Asking
{
    private const string Node = ResourceKinds.Node + "/";

    public static async Task<Answer> Show(Visit visit)
    {
        var desk = visit.User;
        var words = visit.Query["q"] ?? "";
        var (roles, hosts) = (visit.Query.All("roles"), visit.Query.All("hosts"));
        var can = await desk.Capabilities(visit.Cancellation);
        var found = await desk.Hosts(words.Length > 0 ? words : null, visit.Cancellation);
        var ask = Wish(roles, hosts, visit.Query["reason"]);
        var (plan, refused) = ask is null ? (null, []) : await Plan(desk, ask, visit.Cancellation);
        var model = new AskModel(
            desk, words, [.. Roles(can, words, roles)], [.. Hosts(found, hosts)], found.More, ask?.Reason ?? visit.Query["reason"] ?? "",
            plan, refused, ask is null ? null : desk.AskCommand(ask));
        return new Answer.Page(
            "Ask", "/ask", words.Length > 0 ? desk.SearchCommand(words) : desk.RolesCommand, Html.Part<AskView, AskModel>(model));
    }

    /// <summary>Files the request.</summary>
    public static async Task<Answer> File(Visit visit)
    {
        var ask = Wish(visit.Form.All("roles"), visit.Form.All("hosts"), visit.Form["reason"]);
        if (ask is null)
            return new Answer.Go("/ask", new Said(SaidKind.Refused, "choose a role or a host first"));
        var filed = await visit.User.File(ask with { Force = visit.Form.Has("force") }, visit.Cancellation);
        return new Answer.Go(
            $"/request?id={filed.Metadata.Name}",
            [
                new Said(SaidKind.Done, "the request is filed"),
                .. RequestText.Warnings(filed.Spec).Select(warning => new Said(SaidKind.Warning, warning)),
            ]);
    }

    // Chosen roles without hosts are asked for as they are; with hosts, they are the only ones through which these are asked for.
    private static CreateRequest? Wish(string[] roles, string[] hosts, string? reason) => (roles, hosts) is ([], [])
        ? null
        : new CreateRequest(
            roles is [] ? null : roles, Reason: reason ?? "", Resources: hosts is [] ? null : [.. hosts.Select(host => Node + host)]);

    private static async Task<(RequestPlan? Plan, Said[] Refused)> Plan(UserDesk desk, CreateRequest ask, CancellationToken cancellation)
    {
        try
        {
            return (await desk.Plan(ask with { Force = true }, cancellation), []);
        }
        catch (ProblemException refused)
        {
            return (null, Refusals.Of(refused.Problem, desk));
        }
    }

    private static IEnumerable<AskRole> Roles(MyCapabilities can, string words, string[] chosen) =>
        can.RequestableRoles.Union(chosen).Select(
            name => new AskRole(name, can.Descriptions?.GetValueOrDefault(name) ?? "", chosen.Contains(name)))
            .Where(role => role.IsChosen || Has($"{role.Name} {role.Description}", words))
            .OrderByDescending(role => role.IsChosen);

    private static IEnumerable<AskHost> Hosts(ResourcesFound found, string[] chosen) =>
        chosen.Select(name => found.Resources.FirstOrDefault(one => one.Resource == Node + name) ?? new ResourceFound(Node + name, [], []))
            .Concat(found.Resources.Where(one => !chosen.Contains(one.Resource[Node.Length..])))
            .Select(
                one => new AskHost(
                    one.Resource[Node.Length..], Wording.Labels(one.Labels), string.Join(", ", one.Roles),
                    chosen.Contains(one.Resource[Node.Length..])));

    private static bool Has(string text, string words) =>
        words.Split(' ', StringSplitOptions.RemoveEmptyEntries).All(word => text.Contains(word, StringComparison.OrdinalIgnoreCase));
}
