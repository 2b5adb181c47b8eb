using System.Collections.Immutable;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;
using CertAuthority.Linux;
using CertAuthority.Protocol;

namespace CertAuthority.Configuration;

/// <summary>What kind of key a new CA has.</summary>
internal enum CaKeyType
{
    Ed25519,
    Ecdsa,
    Rsa,
}

/// <summary>How a daemon runs: checked once, then unchanged.</summary>
/// <param name="DataDirectory">Keys, database and revocation list; mode 0700.</param>
/// <param name="SocketPath">Where it serves.</param>
/// <param name="Administrators">Accounts that may administer, beside root and the daemon's own.</param>
/// <param name="AdministratorGroups">Groups whose members administer too.</param>
/// <param name="Limits">The bounds of the site.</param>
internal sealed record Settings(
    string DataDirectory, string SocketPath, ImmutableHashSet<string> Administrators, ImmutableHashSet<string> AdministratorGroups,
    SiteLimits Limits)
{
    /// <summary>What CA keys are made of where there are none. Those that are there stay.</summary>
    public CaKeyType NewCaKeys { get; init; }

    /// <summary>Whether the user CA key that is there takes the place of every other that signed here.</summary>
    public bool NewCa { get; init; }

    /// <summary>
    /// Where hosts fetch the revocation list and the CA keys; null for nowhere. Neither inside the data directory nor around it.
    /// </summary>
    public string? PublishDirectory { get; init; }

    /// <summary>Which groups make users.</summary>
    public UsersFromGroups UsersFromGroups { get; init; } = UsersFromGroups.None;

    /// <summary>How hosts are written to.</summary>
    public PushSettings Push { get; init; } = PushSettings.Default;

    /// <summary>Who is told of what happens.</summary>
    public NotifySettings Notify { get; init; } = NotifySettings.Nobody;

    /// <summary>The folder that the configuration is read from when the command line names none.</summary>
    public const string DefaultFolder = "/etc/certauthority";

    /// <summary>
    /// What holds when nothing is said: the machine's directories for root, the account's own for everybody else. For an account without
    /// a home directory these are empty, and something has to name others.
    /// </summary>
    public static Settings Default()
    {
        var isRoot = Accounts.OwnUid == 0;
        return new Settings(
            isRoot
                ? "/var/lib/certauthority"
                : UserFolders.Xdg("XDG_STATE_HOME", ".local/state") is { } state ? Path.Combine(state, "certauthority") : "",
            ServerAddress.DefaultSocket(isRoot) ?? "",
            [],
            [],
            SiteLimits.Default);
    }
}
