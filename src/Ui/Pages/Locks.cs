using System.Text.Json;
using CertAuthority.Protocol;
using CertAuthority.Terminal;
using CertAuthority.Ui.Desks;
using CertAuthority.Ui.Serving;

namespace CertAuthority.Ui.Pages;

/// <summary>The locks.</summary>
/// <param name="Locks">The locks.</param>
/// <param name="Now">The time.</param>
public sealed record LocksModel(IReadOnlyList<OneLock> Locks, DateTimeOffset Now);

/// <summary>A lock.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Target">What is locked, <c>user alice</c>.</param>
/// <param name="Message">Why.</param>
/// <param name="Expires">When it ends, as the daemon wrote it; null for never.</param>
public sealed record OneLock(string Name, string Target, string Message, string? Expires)
{
    /// <summary>The command that lifts it.</summary>
    public string LiftCommand => $"tctl rm lock/{Name}";
}

/// <summary>Shows, makes and lifts locks.</summary>
internal static class Locks
{
    public static async Task<Answer> Show(Visit visit) => new Answer.Page(
        "Locks", "/locks", AdministratorDesk.LocksCommand,
        Html.Part<LocksView, LocksModel>(new LocksModel([.. (await visit.Administrator.Locks(visit.Cancellation)).Select(Of)], visit.Now)));

    /// <summary>Locks something.</summary>
    public static async Task<Answer> Lock(Visit visit)
    {
        var (kind, name) = (visit.Form.Need("kind"), visit.Form["name"]);
        if (name is null)
            return new Answer.Go("/locks", new Said(SaidKind.Refused, "say what to lock"));
        var wish = new CreateLock(Message: visit.Form["message"] ?? "", Ttl: visit.Form["ttl"]);
        var made = await visit.Administrator.Lock(
            kind switch
            {
                "user" => wish with { User = name },
                "role" => wish with { Role = name },
                "login" => wish with { Login = name },
                "node" => wish with { Node = name },
                _ => wish with { Request = name },
            },
            visit.Cancellation);
        var revoked = made.Revoked is [] ? "" : $", {Wording.Count(made.Revoked.Length, "certificate")} revoked";
        return new Answer.Go(
            "/locks",
            [
                new Said(SaidKind.Done, $"{kind} {name} is locked{revoked}"),
                .. made.Warnings.Select(warning => new Said(SaidKind.Warning, warning)),
            ]);
    }

    /// <summary>Lifts a lock.</summary>
    public static async Task<Answer> Lift(Visit visit)
    {
        var lifted = await visit.Administrator.Unlock(visit.Form.Need("lock"), visit.Cancellation);
        return new Answer.Go("/locks", [.. lifted.Done.Select(done => new Said(SaidKind.Done, done))]);
    }

    private static OneLock Of(JsonElement resource)
    {
        var spec = resource.GetProperty("spec");
        var target = spec.GetProperty("target").EnumerateObject().Select(one => $"{one.Name.Replace('_', ' ')} {one.Value}");
        return new OneLock(
            resource.GetProperty("metadata").GetProperty("name").GetString()!, string.Join(", ", target), Text("message") ?? "",
            Text("expires"));

        string? Text(string name) => spec.TryGetProperty(name, out var value) ? value.GetString() : null;
    }
}
