using CertAuthority.Protocol;
using CertAuthority.Ui.Desks;
using CertAuthority.Ui.Serving;

namespace CertAuthority.Ui.Pages;

/// <summary>Who can log in to a host.</summary>
/// <param name="Names">The names of all hosts.</param>
/// <param name="Host">The host in question; null before one is chosen.</param>
/// <param name="Login">The login in question; null for any.</param>
/// <param name="List">Who can log in; null before a host is chosen.</param>
/// <param name="Now">The time.</param>
public sealed record EnteringModel(IReadOnlyList<string> Names, string? Host, string? Login, EntrantList? List, DateTimeOffset Now);

/// <summary>Shows who can log in to a host.</summary>
internal static class Entering
{
    public static async Task<Answer> Show(Visit visit)
    {
        var (host, login) = (visit.Query["host"], visit.Query["login"]);
        var names = (await visit.Administrator.Hosts(visit.Cancellation)).Select(one => one.Name).ToList();
        var list = host is null ? null : await visit.Administrator.Entrants(host, login, visit.Cancellation);
        return new Answer.Page(
            "Who can enter?", "/who", AdministratorDesk.EntrantsCommand(host ?? "NODE", login),
            Html.Part<EnteringView, EnteringModel>(new EnteringModel(names, host, login, list, visit.Now)));
    }
}
