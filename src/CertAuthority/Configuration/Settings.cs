using CertAuthority.Access.Users;
using CertAuthority.Access.Values;
using CertAuthority.Keys;
using CertAuthority.Linux;
using CertAuthority.Protocol;

namespace CertAuthority.Configuration;

/// <summary>The settings of a daemon: checked once, then unchanged.</summary>
/// <param name="DataDirectory">The directory of keys, database and revocation list; mode 0700.</param>
/// <param name="SocketPath">The path of its socket.</param>
/// <param name="Administrators">Who may administer, in addition to root and the daemon's own account.</param>
/// <param name="Limits">The limits of the site.</param>
internal sealed record Settings(
    string DataDirectory, string SocketPath, NamedAccounts Administrators, SiteLimits Limits)
{
    /// <summary>Who may read what administrators can read, and change nothing.</summary>
    public NamedAccounts Auditors { get; init; } = NamedAccounts.Nobody;

    /// <summary>Who may read the state of the daemon, and nothing else.</summary>
    public NamedAccounts Monitors { get; init; } = NamedAccounts.Nobody;

    /// <summary>Where the database is.</summary>
    public DatabaseSettings Database { get; init; } = DatabaseSettings.Default;

    /// <summary>The type of new CA keys. Existing keys stay as they are.</summary>
    public CaKeyType NewCaKeys { get; init; }

    /// <summary>Where the key for user certificates is.</summary>
    public KeyCustody UserCa { get; init; } = KeyCustody.Default;

    /// <summary>Where the key for host certificates is.</summary>
    public KeyCustody HostCa { get; init; } = KeyCustody.Default;

    /// <summary>Where the key for the daemon's own certificates is.</summary>
    public KeyCustody SyncCa { get; init; } = KeyCustody.Default;

    /// <summary>Whether the present user CA key replaces every other key that signed here.</summary>
    public bool NewCa { get; init; }

    /// <summary>Whether the settings that daemons of one database share become those of this daemon.</summary>
    public bool AdoptsConfiguration { get; init; }

    /// <summary>
    /// The directory from which hosts fetch the revocation list and the CA keys; null for none. It may neither be inside the data directory
    /// nor contain it.
    /// </summary>
    public string? PublishDirectory { get; init; }

    /// <summary>The directory in which hosts leave reports of themselves; null for none.</summary>
    public string? ReportsDirectory { get; init; }

    /// <summary>How long a host may go unseen before its node is removed, from one day up; null if none is.</summary>
    public TimeSpan? ForgetNodesAfter { get; init; }

    /// <summary>The groups whose members become users.</summary>
    public UsersFromGroups UsersFromGroups { get; init; } = UsersFromGroups.None;

    /// <summary>How the daemon writes to hosts.</summary>
    public PushSettings Push { get; init; } = PushSettings.Default;

    /// <summary>Where the audit goes.</summary>
    public AuditSettings Audit { get; init; } = AuditSettings.Nowhere;

    /// <summary>The settings of notices.</summary>
    public NotifySettings Notify { get; init; } = NotifySettings.Nobody;

    /// <summary>The directory that holds the configuration if the command line names none.</summary>
    public const string DefaultFolder = "/etc/certauthority";

    /// <summary>
    /// Returns the defaults: for root, the machine's directories; for any other account, its own. For an account without a home directory
    /// they are empty, and the configuration or the command line must name others.
    /// </summary>
    public static Settings Default()
    {
        var isRoot = Accounts.OwnUid == 0;
        return new Settings(
            isRoot
                ? "/var/lib/certauthority"
                : UserFolders.Xdg("XDG_STATE_HOME", ".local/state") is { } state ? Path.Combine(state, "certauthority") : "",
            ServerAddress.DefaultSocket(isRoot) ?? "",
            NamedAccounts.Nobody,
            SiteLimits.Default);
    }
}
