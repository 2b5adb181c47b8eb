using CertAuthority.Protocol;
using CertAuthority.Ui.Desks;
using CertAuthority.Ui.Serving;

namespace CertAuthority.Ui.Pages;

/// <summary>Who can log in to a host.</summary>
/// <param name="Host">The host in question, or a part of its name; empty before anything is typed.</param>
/// <param name="Login">The login in question; null for any.</param>
/// <param name="List">Who can log in; null until it is clear which host is meant.</param>
/// <param name="Like">Hosts that may be meant; the first few.</param>
/// <param name="HasMore">Whether there are more of them.</param>
/// <param name="Now">The time.</param>
public sealed record EnteringModel(
    string Host, string? Login, EntrantList? List, IReadOnlyList<string> Like, bool HasMore, DateTimeOffset Now)
{
    /// <summary>The path that shows who can log in to a host.</summary>
    public static string Link(string host, string? login = null) =>
        $"/who?host={Uri.EscapeDataString(host)}{(login is null ? "" : $"&login={Uri.EscapeDataString(login)}")}&exactly=yes";
}

/// <summary>Shows who can log in to a host, which is searched for while its name is typed.</summary>
internal static class Entering
{
    private const int MostLike = 20;

    public static async Task<Answer> Show(Visit visit)
    {
        var (host, login) = (visit.Query["host"], visit.Query["login"]);
        var isNamed = host is not null && visit.Query.Has("exactly");
        var like = isNamed
            ? new NodeStatusList([])
            : await visit.Administrator.Hosts(new ListNodes(host, Limit: MostLike), visit.Cancellation);
        isNamed |= like.Nodes.Any(node => node.Name == host);
        var list = isNamed ? await visit.Administrator.Entrants(host!, login, visit.Cancellation) : null;
        return new Answer.Page(
            "Who can enter?", "/who", AdministratorDesk.EntrantsCommand(isNamed ? host! : "NODE", login),
            Html.Part<EnteringView, EnteringModel>(
                new EnteringModel(
                    host ?? "", login, list, [.. like.Nodes.Select(node => node.Name).Where(name => name != host)], like.Next is not null,
                    visit.Now)));
    }
}
