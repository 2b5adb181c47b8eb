using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using CertAuthority.Access.Values;
using CertAuthority.Linux;
using CertAuthority.OpenSsh;

namespace CertAuthority.Signer;

/// <summary>The settings cannot be used. Each text is one fault, with file and line.</summary>
internal sealed class SettingsException(string[] faults) : Exception(string.Join('\n', faults))
{
    public string[] Faults { get; } = faults;
}

/// <summary>The settings of the signer. They are read once: the account of the daemon cannot have them read again.</summary>
/// <param name="Key">The file of its key.</param>
/// <param name="Credential">The systemd credential with the passphrase of the file; null if the file is not encrypted.</param>
/// <param name="Client">The account, by name or uid, that may connect.</param>
/// <param name="Log">The file of its log.</param>
/// <param name="Limits">What it signs at most.</param>
internal sealed record SignerSettings(string Key, string? Credential, string Client, string Log, SigningLimits Limits)
{
    /// <summary>Where the settings are unless the command line says otherwise.</summary>
    public const string DefaultPath = "/etc/certauthority-signer/user.conf";

    // The longest time that any certificate of the daemon is valid is that of a host's.
    private static readonly TimeSpan Longest = TimeSpan.FromDays(3660);

    /// <summary>Reads the settings of a file that nobody but root and this account could have changed.</summary>
    /// <exception cref="SettingsException">Every fault, at once.</exception>
    public static SignerSettings Read(string path)
    {
        try
        {
            return Parse(Encoding.UTF8.GetString(TrustedPath.Read(path)), path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new SettingsException([$"{path}: there is no such file; name the settings by --config"]);
        }
        catch (Exception e) when (e is ExposedException or IOException or UnauthorizedAccessException)
        {
            throw new SettingsException([$"{path}: {e.Message}"]);
        }
    }

    /// <summary>
    /// Reads settings as sshd_config(5) has them: a name and its values on each line; a line that begins with <c>#</c> is a comment.
    /// </summary>
    /// <param name="text">The content of the file.</param>
    /// <param name="path">The path of the file, for faults.</param>
    /// <exception cref="SettingsException">Every fault, at once.</exception>
    public static SignerSettings Parse(string text, string path)
    {
        var lines = new Lines(text, path);
        var (key, client) = (lines.Path("key"), lines.One("client"));
        var (credential, log) = (lines.One("credential"), lines.Path("log"));
        var type = lines.One("certificates");
        if (type is not (null or "user" or "host"))
            lines.Fault("certificates", "takes user or host");
        var lifetime = lines.Duration("lifetime", TimeSpan.FromSeconds(1), Longest);
        var limits = new SigningLimits
        {
            Type = type == "host" ? CertificateType.Host : CertificateType.User,
            Lifetime = lifetime ?? default,
        };
        limits = limits with
        {
            Skew = lines.Duration("skew", TimeSpan.FromSeconds(1), TimeSpan.FromHours(1)) ?? limits.Skew,
            Principals = lines.Number("principals", 1, CertificateContent.MaxPrincipals) ?? limits.Principals,
            OnlyPrincipals = lines.Patterns("only_principals") ?? limits.OnlyPrincipals,
            NeverPrincipals = lines.Patterns("never_principals") ?? limits.NeverPrincipals,
            KeyTypes = lines.Names("key_types", PublicKey.Types.Contains, "a type of key") ?? limits.KeyTypes,
            CriticalOptions = lines.NamesOrNone(
                "critical_options", name => CriticalOption.Find(name) is not null, "a critical option that the daemon grants")
                ?? limits.CriticalOptions,
            Extensions = lines.NamesOrNone(
                "extensions", name => SigningLimits.UsualExtensions.Contains(name) || UserCertificate.IsOthersName(name),
                "an extension that the daemon grants") ?? limits.Extensions,
            PerMinute = lines.Number("per_minute", 1, 1_000_000) ?? limits.PerMinute,
        };
        lines.Done("key", "log", "client", "certificates", "lifetime");
        return new SignerSettings(key!, credential, client!, log!, limits);
    }

    /// <summary>Returns the uid of the account that may connect.</summary>
    /// <exception cref="SettingsException">There is no such account, or the system does not say.</exception>
    public async Task<uint> ClientUid()
    {
        if (uint.TryParse(Client, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            return number;
        try
        {
            return await new NameService(TimeProvider.System, Accounts.NameOf).UidOf(Client, Asker.Administrator)
                ?? throw new SettingsException([$"client: there is no account {Client}"]);
        }
        catch (NameServiceException silent)
        {
            throw new SettingsException([$"client: {silent.Message}"]);
        }
    }

    /// <summary>The lines of a file. Each setting is taken once, and what was not taken is a fault.</summary>
    private sealed class Lines
    {
        private readonly string path;
        private readonly Dictionary<string, (int Line, string[] Values)> settings = new(StringComparer.Ordinal);
        private readonly HashSet<string> taken = new(StringComparer.Ordinal);
        private readonly List<(int Line, string What)> faults = [];

        public Lines(string text, string path)
        {
            this.path = path;
            foreach (var (index, line) in text.Split('\n').Index())
            {
                var words = line.Split((char[])[' ', '\t', '\r'], StringSplitOptions.RemoveEmptyEntries);
                if (words is [] or [['#', ..], ..])
                    continue;
                if (line.AsSpan().TrimEnd('\r').ContainsAnyExcept(Plain))
                    faults.Add((index + 1, "takes printable ASCII characters only"));
                else if (!settings.TryAdd(words[0], (index + 1, words[1..])))
                    faults.Add((index + 1, $"{words[0]} is given twice; line {settings[words[0]].Line} gives it too"));
                else if (words.Length == 1)
                    faults.Add((index + 1, $"{words[0]} has no value"));
            }
        }

        private static readonly System.Buffers.SearchValues<char> Plain =
            System.Buffers.SearchValues.Create([.. Enumerable.Range(' ', '~' - ' ' + 1).Select(code => (char)code), '\t']);

        public void Fault(string name, string what) => faults.Add((settings[name].Line, $"{name} {what}"));

        public string? One(string name)
        {
            if (Values(name) is not { } values)
                return null;
            if (values.Length > 1)
                Fault(name, "takes one value");
            return values[0];
        }

        public string? Path(string name)
        {
            var value = One(name);
            if (value is not null && !System.IO.Path.IsPathFullyQualified(value))
                Fault(name, "takes an absolute path");
            return value;
        }

        public TimeSpan? Duration(string name, TimeSpan least, TimeSpan most)
        {
            if (One(name) is not { } value)
                return null;
            if (Durations.TryParse(value, out var duration) && duration >= least && duration <= most)
                return duration;
            Fault(name, $"takes a duration from {Durations.Show(least)} to {Durations.Show(most)}, such as 12h");
            return null;
        }

        public int? Number(string name, int least, int most)
        {
            if (One(name) is not { } value)
                return null;
            if (int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most)
                return number;
            Fault(name, $"takes a number from {least} to {most}");
            return null;
        }

        public ImmutableArray<string>? Names(string name, Func<string, bool> isKnown, string what)
        {
            foreach (var value in Values(name) ?? [])
                if (!isKnown(value))
                    Fault(name, $"has {value}, which is not {what}");
            return Values(name)?.ToImmutableArray();
        }

        public ImmutableArray<string>? NamesOrNone(string name, Func<string, bool> isKnown, string what) =>
            Values(name) is ["none"] ? [] : Names(name, isKnown, what);

        public ImmutableArray<NamePattern>? Patterns(string name)
        {
            if (Values(name) is not { } values)
                return null;
            var patterns = ImmutableArray.CreateBuilder<NamePattern>();
            foreach (var value in values)
                if (NamePattern.TryParse(value, out var fault) is { } pattern)
                    patterns.Add(pattern);
                else
                    Fault(name, $"has {value}: {fault}");
            return patterns.ToImmutable();
        }

        public void Done(params string[] required)
        {
            foreach (var (name, (line, _)) in settings)
                if (!taken.Contains(name))
                    faults.Add((line, $"there is no setting {name}"));
            string[] found =
            [
                .. faults.OrderBy(fault => fault.Line).Select(fault => $"{path}:{fault.Line}: {fault.What}"),
                .. required.Where(name => !settings.ContainsKey(name)).Select(name => $"{path}: {name} is missing"),
            ];
            if (found.Length > 0)
                throw new SettingsException(found);
        }

        private string[]? Values(string name)
        {
            taken.Add(name);
            return settings.TryGetValue(name, out var setting) && setting.Values is not [] ? setting.Values : null;
        }
    }
}
