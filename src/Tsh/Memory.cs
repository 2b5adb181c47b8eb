using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using CertAuthority.Linux;
using CertAuthority.Protocol;

namespace CertAuthority.Tsh;

/// <summary>A login session. Until it ends, it can issue certificates for single hosts.</summary>
/// <param name="Id">The daemon's ID for it.</param>
/// <param name="Ends">The time when it ends.</param>
/// <param name="User">The user who logged in.</param>
internal sealed record LoginSession(string Id, DateTimeOffset Ends, string User)
{
    /// <summary>Returns the session that a login began; null if it began none.</summary>
    public static LoginSession? From(LoggedIn login) =>
        login is { Session: { } id, SessionEnds: { } ends, User: { } user }
            && TryParse($"{id} {ends.ToUnixTimeSeconds()} {user}") is { } session ? session : null;

    public static LoginSession? TryParse(string text) =>
        text.Split(' ', 3) is [{ Length: > 0 } id, var ends, { Length: > 0 } user] && !user.Any(char.IsControl) && !id.Any(char.IsControl)
        && long.TryParse(ends, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            && seconds <= DateTimeOffset.MaxValue.ToUnixTimeSeconds()
            ? new LoginSession(id, DateTimeOffset.FromUnixTimeSeconds(seconds), user)
            : null;

    public override string ToString() => $"{Id} {Ends.ToUnixTimeSeconds()} {User}";
}

/// <summary>
/// The stored facts about the last login: a word and its value in each line of the file <c>profile</c> in its home. A line that cannot be
/// parsed is ignored.
/// </summary>
internal sealed record Memory
{
    /// <summary>The addresses of the daemon, if the user gave any.</summary>
    public ServerList? Servers { get; init; }

    /// <summary>The user name, if the user gave it.</summary>
    public string? User { get; init; }

    /// <summary>The places where the login put the key.</summary>
    public AgentUse? Agent { get; init; }

    /// <summary>The requests that the login used: certificates for single hosts use them too.</summary>
    public ImmutableArray<string> Requests { get; init; } = [];

    /// <summary>The login session to which certificates for single hosts belong.</summary>
    public LoginSession? Session { get; init; }

    /// <summary>Whether the roles reached more than one certificate can hold, so that single hosts have their own certificates.</summary>
    public bool PerHost { get; init; }

    public static Memory Read(string path)
    {
        var memory = new Memory();
        foreach (var line in (AtomicFile.Read(path) ?? "").Split('\n'))
            if (line.Split(": ", 2) is [var word, var value])
                memory = word switch
                {
                    "server" => memory with { Servers = ServerList.TryParse(value) },
                    "user" => memory with { User = value },
                    "add-keys-to-agent" => memory with { Agent = AgentUses.TryParse(value) },
                    "requests" => memory with { Requests = [.. value.Split(',', StringSplitOptions.RemoveEmptyEntries)] },
                    "session" => memory with { Session = LoginSession.TryParse(value) },
                    "per-host" => memory with { PerHost = value == "yes" },
                    _ => memory,
                };
        return memory;
    }

    public void Write(string path)
    {
        (string Word, string? Value)[] lines =
        [
            ("server", Servers?.ToString()), ("user", User), ("add-keys-to-agent", Agent?.Word()),
            ("requests", Requests.IsEmpty ? null : string.Join(',', Requests)),
            ("session", Session?.ToString()), ("per-host", PerHost ? "yes" : null),
        ];
        AtomicFile.Replace(
            path,
            Encoding.UTF8.GetBytes(
                string.Concat(lines.Where(line => line.Value is not null).Select(line => $"{line.Word}: {line.Value}\n"))),
            UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }
}
