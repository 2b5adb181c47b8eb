using System.Collections.Immutable;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;
using CertAuthority.Keys;
using CertAuthority.Linux;
using CertAuthority.Protocol;
using CertAuthority.Resources;

namespace CertAuthority.Configuration;

/// <summary>The configuration cannot be used. Each line is one fault, with file, line and column.</summary>
internal sealed class ConfigurationException(string[] faults) : Exception(string.Join('\n', faults))
{
    public string[] Faults { get; } = faults;
}

/// <summary>Reads the configuration, one file or several, into <see cref="Settings"/>.</summary>
internal static class ConfigurationFile
{
    private static readonly TimeSpan ShortestTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestTimeout = TimeSpan.FromMinutes(5);

    // The daemon writes the list every ten minutes.
    private static readonly TimeSpan ShortestStaleAfter = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan LongestStaleAfter = TimeSpan.FromDays(30);

    private static readonly TimeSpan ShortestForgetting = TimeSpan.FromDays(1);
    private static readonly TimeSpan LongestForgetting = TimeSpan.FromDays(3650);

    /// <summary>
    /// Reads settings, over defaults. Several files together make one configuration: maps are joined, and each value may be given only
    /// once.
    /// </summary>
    /// <param name="path">
    /// A file; or a directory, whose <c>certauthority.yaml</c> is read, if it exists, and then <c>conf.d/*.yaml</c> in the order of their
    /// names.
    /// </param>
    /// <param name="defaults">The values of settings that no file contains.</param>
    /// <param name="dataDirectory">The data directory that the command line names, which wins over the files; absolute.</param>
    /// <exception cref="ConfigurationException">Every fault, at once.</exception>
    public static Settings Read(string path, Settings defaults, string? dataDirectory = null)
    {
        var malformed = new List<string>();
        var faults = new Faults(path);
        var at = path;
        try
        {
            var account = Account(dataDirectory ?? defaults.DataDirectory);
            var whole = new ResourceNode.Map([], faults.Mark(1, 1));
            foreach (var file in Directory.Exists(path) ? FilesOf(path, account) : [path])
            {
                at = file;
                var text = new Faults(file);
                if (Root(TrustedPath.Read(file, account), text) is { } map)
                    whole = Join(whole, map, "", faults);
                malformed.AddRange(text.Lines);
            }
            var settings = Read(new FieldReader(whole, "", faults), defaults, dataDirectory);
            return malformed.Count > 0 || faults.Any ? throw new ConfigurationException([.. malformed, .. faults.Lines]) : settings;
        }
        catch (Exception e) when (e is ExposedException or IOException or UnauthorizedAccessException)
        {
            // Whatever keeps a file from being read is a fault of the configuration like any other.
            throw new ConfigurationException([$"{at}: {e.Message}"]);
        }
    }

    // Root may check the files of a daemon that runs as another account. Root's own daemon does not start if another account owns its data
    // directory.
    private static uint? Account(string dataDirectory) =>
        Accounts.OwnUid == 0 && dataDirectory.Length > 0 ? FileStatus.Read(dataDirectory)?.Owner : null;

    private static IEnumerable<string> FilesOf(string folder, uint? account)
    {
        var main = Path.Combine(folder, "certauthority.yaml");
        if (File.Exists(main))
            yield return main;
        var parts = Path.Combine(folder, "conf.d");
        if (!Directory.Exists(parts))
            yield break;
        if (TrustedPath.Fault(Path.GetFullPath(parts), account) is { } exposed)
            throw new ConfigurationException([$"{parts}: {exposed}"]);
        // Editors keep files of their own next to ours; the names of those files begin with a dot.
        foreach (var part in Directory.GetFiles(parts).Where(part => !Path.GetFileName(part).StartsWith('.')).Order(StringComparer.Ordinal))
            if (part.EndsWith(".yaml", StringComparison.Ordinal))
                yield return part;
            else if (part.EndsWith(".yml", StringComparison.Ordinal))
                throw new ConfigurationException([$"{part}: only files whose names end in .yaml are read; rename it"]);
    }

    /// <summary>Parses one file; null if it contains no settings, or, with a fault, if it is not a map.</summary>
    private static ResourceNode.Map? Root(byte[] utf8, Faults faults)
    {
        var documents = ResourceText.Parse(utf8, faults);
        if (documents.Count > 1)
            faults.Add(documents[1], "a configuration is one document");
        if (documents.Count == 0)
            return null;
        if (documents[0] is ResourceNode.Map map)
            return map;
        faults.Add(documents[0], "a configuration starts with fields, such as limits:");
        return null;
    }

    /// <summary>Adds the entries of a second map to a first. A key without a value counts as absent, as everywhere.</summary>
    private static ResourceNode.Map Join(ResourceNode.Map first, ResourceNode.Map second, string path, Faults faults)
    {
        var entries = first.Entries.ToList();
        foreach (var (key, value) in second.Entries)
        {
            var there = entries.FindIndex(entry => entry.Key.Text == key.Text);
            if (there < 0)
                entries.Add((key, value));
            else if (entries[there].Value is ResourceNode.Map map && value is ResourceNode.Map more)
                entries[there] = (entries[there].Key, Join(map, more, $"{path}{key.Text}.", faults));
            else if (entries[there].Value is ResourceNode.Scalar { IsNull: true })
                entries[there] = (key, value);
            else if (value is not ResourceNode.Scalar { IsNull: true })
                faults.Add(key, $"{path}{key.Text} is given twice; {entries[there].Key.At} gives it too");
        }
        return first with { Entries = entries };
    }

    private static Settings Read(FieldReader root, Settings defaults, string? dataDirectory)
    {
        var written = AbsolutePath(root, "data_dir");
        var settings = defaults with
        {
            DataDirectory = dataDirectory ?? written ?? defaults.DataDirectory,
            SocketPath = SocketPath(root) ?? defaults.SocketPath,
            NewCaKeys = KeyType(root, "new_ca_keys") ?? defaults.NewCaKeys,
        };
        settings = settings with
        {
            PublishDirectory = Apart(root, "publish_dir", settings.DataDirectory),
            ReportsDirectory = Apart(root, "reports_dir", settings.DataDirectory),
            ForgetNodesAfter = root.Duration("forget_nodes_after", ShortestForgetting, LongestForgetting),
            Administrators = Named(root, "admins"),
            Auditors = Named(root, "auditors"),
            Monitors = Named(root, "monitors"),
        };
        var account = Account(settings.DataDirectory);
        settings = settings with
        {
            Database = DatabaseSettings.Read(root, account),
            UserCa = KeyCustody.Read(root, "user_ca", account),
            HostCa = KeyCustody.Read(root, "host_ca", account),
            SyncCa = KeyCustody.Read(root, "sync_ca", account),
            Limits = Limits(root.Map("limits"), defaults.Limits),
            UsersFromGroups = Groups(root),
            Audit = AuditSettings.Read(root.Map("audit"), account, settings.DataDirectory),
            Notify = NotifySection.Read(root.Map("notify"), defaults.Notify, account),
            Push = Push(root.Map("push"), defaults.Push, account)
        };
        root.Done();
        return settings;
    }

    private static NamedAccounts Named(FieldReader root, string field)
    {
        var accounts = root.Map(field);
        var read = new NamedAccounts(
            [.. accounts.Texts("users").Select(user => user.Text)], [.. accounts.Texts("groups").Select(group => group.Text)]);
        accounts.Done();
        return read;
    }

    private static SiteLimits Limits(FieldReader limits, SiteLimits defaults)
    {
        var certificate = limits.Duration("certificate", TimeSpan.FromSeconds(1), SiteLimits.Default.Certificate);
        var read = defaults with
        {
            Certificate = certificate ?? defaults.Certificate,
            Access = limits.Duration("access", TimeSpan.FromSeconds(1), SiteLimits.Default.Access) ?? defaults.Access,
            PendingRequest = limits.Duration("pending", TimeSpan.FromSeconds(1), SiteLimits.Default.PendingRequest)
                ?? defaults.PendingRequest,
            PendingRequestsPerUser = limits.Number("pending_requests", 1, 1000) ?? defaults.PendingRequestsPerUser,
            LiveCertificatesPerUser = limits.Number("live_certificates", 1, 10_000) ?? defaults.LiveCertificatesPerUser,
            LoginsPerMinute = limits.Number("logins_per_minute", 1, 1000) ?? defaults.LoginsPerMinute,
            RequestsPerMinute = limits.Number("requests_per_minute", 1, 1000) ?? defaults.RequestsPerMinute,
            RequestsPerDay = limits.Number("requests_per_day", 1, 10_000) ?? defaults.RequestsPerDay,
        };
        limits.Done();
        return read;
    }

    private static PushSettings Push(FieldReader push, PushSettings defaults, uint? account)
    {
        var read = new PushSettings(
            push.Number("parallel", 1, 256) ?? defaults.Parallel,
            push.Duration("timeout", ShortestTimeout, LongestTimeout) ?? defaults.Timeout,
            push.Duration("stale_after", ShortestStaleAfter, LongestStaleAfter) ?? defaults.StaleAfter,
            AbsolutePath(push, "ssh_config"));
        if (read.SshConfig is { } config && !File.Exists(config))
            push.Fault("ssh_config", $"push.ssh_config: there is no file {config}");
        else if (read.SshConfig is { } obeyed && TrustedPath.Fault(obeyed, account) is { } exposed)
            push.Fault("ssh_config", $"push.ssh_config: {exposed}");
        push.Done();
        return read;
    }

    private static UsersFromGroups Groups(FieldReader root)
    {
        var groups = ImmutableSortedDictionary.CreateBuilder<string, ImmutableArray<string>>(StringComparer.Ordinal);
        foreach (var (group, roles) in root.TextLists("users_from_groups"))
        {
            if (roles.IsEmpty)
                root.Fault(group, $"users_from_groups.{group.Text} takes the names of roles");
            foreach (var (text, at) in roles)
                if (!Names.IsName(text))
                    root.Fault(at, $"\"{text}\" is not the name of a role");
            groups[group.Text] = [.. roles.Select(role => role.Text)];
        }
        return new UsersFromGroups(groups.ToImmutable());
    }

    private static CaKeyType? KeyType(FieldReader root, string field)
    {
        switch (root.Text(field))
        {
            case null: return null;
            case "ed25519": return CaKeyType.Ed25519;
            case "ecdsa": return CaKeyType.Ecdsa;
            case "rsa": return CaKeyType.Rsa;
            default:
                root.Fault(field, $"{field} takes ed25519, ecdsa or rsa");
                return null;
        }
    }

    // Files that others read or write must not lie among the keys, nor the keys among those files.
    private static string? Apart(FieldReader root, string field, string dataDirectory)
    {
        if (AbsolutePath(root, field) is not { } path)
            return null;
        path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        if (dataDirectory.Length > 0 && (Contains(path, dataDirectory) || Contains(dataDirectory, path)))
            root.Fault(field, $"{field} takes a directory apart from data_dir, {dataDirectory}: neither may be inside the other");
        return path;
    }

    private static string? SocketPath(FieldReader root)
    {
        var path = AbsolutePath(root, "socket");
        if (path is not null && ServerAddress.Unix.PathFault(path) is { } fault)
            root.Fault("socket", $"socket: {fault}");
        return path;
    }

    private static bool Contains(string outer, string inner) =>
        $"{Path.GetFullPath(inner).TrimEnd('/')}/".StartsWith($"{Path.GetFullPath(outer).TrimEnd('/')}/", StringComparison.Ordinal);

    private static string? AbsolutePath(FieldReader root, string field)
    {
        var path = root.Text(field);
        if (path is null || (Path.IsPathFullyQualified(path) && !path.Contains('\0', StringComparison.Ordinal)))
            return path;
        root.Fault(field, $"{root.Full(field)} takes an absolute path");
        return null;
    }
}
