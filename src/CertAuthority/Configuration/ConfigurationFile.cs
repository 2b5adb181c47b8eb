using System.Collections.Immutable;
using CertAuthority.Access;
using CertAuthority.Resources;

namespace CertAuthority.Configuration;

/// <summary>The configuration can not be used. Each line is one fault, with file, line and column.</summary>
internal sealed class ConfigurationException(string[] faults) : Exception(string.Join('\n', faults))
{
    public string[] Faults { get; } = faults;
}

/// <summary><c>certauthority.yaml</c> into <see cref="Settings"/>.</summary>
internal static class ConfigurationFile
{
    private static readonly TimeSpan ShortestTimeout = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestTimeout = TimeSpan.FromMinutes(5);

    // The list is written every ten minutes.
    private static readonly TimeSpan ShortestStaleAfter = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan LongestStaleAfter = TimeSpan.FromDays(30);

    /// <summary>The defaults, with what the file says over them.</summary>
    /// <param name="path">The file.</param>
    /// <param name="defaults">What holds where it says nothing.</param>
    /// <param name="dataDirectory">What the command line says of it, over the file; absolute.</param>
    /// <exception cref="ConfigurationException">All that is wrong with it, at once.</exception>
    public static Settings Read(string path, Settings defaults, string? dataDirectory = null)
    {
        var faults = new Faults(path);
        try
        {
            var documents = ResourceText.Parse(File.ReadAllBytes(path), faults);
            if (documents.Count > 1)
                faults.Add(documents[1], "a configuration is one document");
            if (documents.Count == 0 || Cursor.Root(documents[0], faults) is not { } root)
                return faults.Any ? throw new ConfigurationException(faults.Lines) : defaults;

            var written = AbsolutePath(root, "data_dir");
            var settings = defaults with
            {
                DataDirectory = dataDirectory ?? written ?? defaults.DataDirectory,
                SocketPath = AbsolutePath(root, "socket") ?? defaults.SocketPath,
                NewCaKeys = KeyType(root, "new_ca_keys") ?? defaults.NewCaKeys,
            };
            var admins = root.Map("admins");
            settings = settings with
            {
                PublishDirectory = PublishDirectory(root, settings.DataDirectory),
                Administrators = [.. admins.Texts("users").Select(user => user.Text)],
                AdministratorGroups = [.. admins.Texts("groups").Select(group => group.Text)],
            };
            admins.Done();
            settings = settings with { Limits = Limits(root.Map("limits"), defaults.Limits), UsersFromGroups = Groups(root), Notify = NotifySection.Read(root.Map("notify"), defaults.Notify), Push = Push(root.Map("push"), defaults.Push) };
            root.Done();
            return faults.Any ? throw new ConfigurationException(faults.Lines) : settings;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ConfigurationException([$"{path}: {e.Message}"]);
        }
    }

    private static SiteLimits Limits(Cursor limits, SiteLimits defaults)
    {
        var certificate = limits.Duration("certificate", TimeSpan.FromSeconds(1), SiteLimits.Default.Certificate);
        var read = defaults with
        {
            Certificate = certificate ?? defaults.Certificate,
            PendingRequestsPerUser = limits.Number("pending_requests", 1, 1000) ?? defaults.PendingRequestsPerUser,
            LiveCertificatesPerUser = limits.Number("live_certificates", 1, 10_000) ?? defaults.LiveCertificatesPerUser,
            LoginsPerMinute = limits.Number("logins_per_minute", 1, 1000) ?? defaults.LoginsPerMinute,
        };
        limits.Done();
        return read;
    }

    private static PushSettings Push(Cursor push, PushSettings defaults)
    {
        var read = new PushSettings(
            push.Number("parallel", 1, 256) ?? defaults.Parallel,
            push.Duration("timeout", ShortestTimeout, LongestTimeout) ?? defaults.Timeout,
            push.Duration("stale_after", ShortestStaleAfter, LongestStaleAfter) ?? defaults.StaleAfter,
            AbsolutePath(push, "ssh_config"));
        if (read.SshConfig is { } config && !File.Exists(config))
            push.Fault("ssh_config", $"push.ssh_config: there is no file {config}");
        push.Done();
        return read;
    }

    private static UsersFromGroups Groups(Cursor root)
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

    private static CaKeyType? KeyType(Cursor root, string field)
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

    private static string? PublishDirectory(Cursor root, string dataDirectory)
    {
        if (AbsolutePath(root, "publish_dir") is not { } path)
            return null;
        path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        // What is served to everybody must not lie among the keys, nor the keys in what is served.
        if (Contains(path, dataDirectory) || Contains(dataDirectory, path))
            root.Fault("publish_dir", $"publish_dir takes a directory apart from data_dir, {dataDirectory}: neither may be inside the other");
        return path;
    }

    private static bool Contains(string outer, string inner) =>
        $"{Path.GetFullPath(inner).TrimEnd('/')}/".StartsWith($"{Path.GetFullPath(outer).TrimEnd('/')}/", StringComparison.Ordinal);

    private static string? AbsolutePath(Cursor root, string field)
    {
        var path = root.Text(field);
        if (path is null || (Path.IsPathFullyQualified(path) && !path.Contains('\0', StringComparison.Ordinal)))
            return path;
        root.Fault(field, $"{root.Full(field)} takes an absolute path");
        return null;
    }
}
