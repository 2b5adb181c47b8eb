using System.Collections.Immutable;
using System.Text;
using System.Text.RegularExpressions;
using CertAuthority.Linux;
using CertAuthority.Resources;

namespace CertAuthority.Configuration;

/// <summary>Where the database is.</summary>
internal abstract partial record DatabaseSettings
{
    private const string FileScheme = "sqlite:";
    private const string ServerScheme = "postgres:";

    /// <summary>A file, which the daemon itself reads and writes.</summary>
    /// <param name="Path">Its path; null for the file in the data directory.</param>
    public sealed record InFile(string? Path) : DatabaseSettings
    {
        public override string ToString() => Path is null ? "in data_dir" : $"{FileScheme}{Path}";
    }

    /// <summary>A database of a PostgreSQL server.</summary>
    /// <param name="Options">How the server is reached, by the names in <see cref="Known"/>; without a secret.</param>
    public sealed record OnServer(ImmutableSortedDictionary<string, string> Options) : DatabaseSettings
    {
        /// <summary>The password; null if the server asks for none, or a credential has it.</summary>
        public string? Password { get; init; }

        /// <summary>The systemd credential that has the password; null for none.</summary>
        public string? Credential { get; init; }

        /// <summary>
        /// The name of the machines that have the same accounts: the same names and uids are the same people there. Null for none.
        /// </summary>
        public string? Realm { get; init; }

        /// <summary>Whether the server may have a standby that it does not wait for.</summary>
        public bool AllowsAsync { get; init; }

        /// <summary>Returns what logs and records may show: no secret, and not every option.</summary>
        public override string ToString() => $"{ServerScheme}{Options["Host"]}/{Options["Database"]}";

        public bool Equals(OnServer? other) =>
            other is not null && Password == other.Password && Credential == other.Credential && Realm == other.Realm
                && AllowsAsync == other.AllowsAsync && Options.SequenceEqual(other.Options);

        public override int GetHashCode() => ToString().GetHashCode(StringComparison.Ordinal);
    }

    /// <summary>The default.</summary>
    public static readonly DatabaseSettings Default = new InFile(null);

    // Where the server is, and how the daemon makes sure that it is the right one. The daemon sets everything else itself.
    private static readonly string[] Known =
    [
        "Host", "Port", "Database", "Username", "Search Path", "SSL Mode", "Root Certificate", "SSL Certificate", "SSL Key",
    ];

    /// <summary>Reads the settings of the database.</summary>
    /// <param name="root">The whole configuration.</param>
    /// <param name="account">The uid that the daemon runs as; null for the uid of this process.</param>
    public static DatabaseSettings Read(FieldReader root, uint? account)
    {
        var text = root.Text("database");
        var password = root.Map("database_password");
        var (file, credential) = (password.Text("file"), password.Text("credential"));
        password.Done();
        var realm = root.Text("database_realm");
        if (realm is not null && !NameForm().IsMatch(realm))
            root.Fault("database_realm", "database_realm takes a name of letters, digits, dots, dashes and underscores, at most 63");
        var allowsAsync = root.Flag("database_allow_async");
        if (text?.StartsWith(ServerScheme, StringComparison.Ordinal) == true && Server(root, text[ServerScheme.Length..]) is { } server)
            return WithPassword(password, server with { Realm = realm, AllowsAsync = allowsAsync }, file, credential, account);
        if ((file ?? credential) is not null)
            root.Fault("database_password", "database_password is for a database on a server: database: \"postgres:Host=…\"");
        if (realm is not null)
            root.Fault("database_realm", "database_realm is for a database on a server: database: \"postgres:Host=…\"");
        if (allowsAsync)
            root.Fault("database_allow_async", "database_allow_async is for a database on a server: database: \"postgres:Host=…\"");
        if (text is null)
            return Default;
        if (text.StartsWith(FileScheme, StringComparison.Ordinal) && Path.IsPathFullyQualified(text[FileScheme.Length..]))
            return new InFile(Path.GetFullPath(text[FileScheme.Length..]));
        if (!text.StartsWith(ServerScheme, StringComparison.Ordinal))
            root.Fault(
                "database",
                "database takes sqlite: with an absolute path, or postgres: with Host, Database and Username: \"postgres:Host=db1.example.com;Database=certauthority;Username=certauthority\"");
        return Default;
    }

    private static OnServer? Server(FieldReader root, string text)
    {
        var options = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var part in text.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            var (name, value) = part.Split('=', 2, StringSplitOptions.TrimEntries) is [var left, { Length: > 0 } right]
                ? (left, right) : (part, null);
            if (name.StartsWith("Pass", StringComparison.OrdinalIgnoreCase) || name.Equals("Pwd", StringComparison.OrdinalIgnoreCase))
                root.Fault("database", "database must not contain a password, because others may read this file; name a file with it: database_password: {file: PATH}");
            else if (value is null)
                root.Fault("database", $"database: {name} has no value; it takes NAME=VALUE, with ; between them");
            else if (Known.FirstOrDefault(one => one.Equals(name, StringComparison.OrdinalIgnoreCase)) is not { } known)
                root.Fault("database", $"database: {name} is not one of {string.Join(", ", Known)}");
            else if (!options.TryAdd(known, value))
                root.Fault("database", $"database: {known} is given twice");
            else
                continue;
            return null;
        }
        foreach (var needed in (string[])["Host", "Database", "Username"])
            if (!options.ContainsKey(needed))
            {
                root.Fault("database", $"database: {needed} is missing");
                return null;
            }
        if (options["Host"].Contains(',', StringComparison.Ordinal))
            root.Fault("database", "database: Host takes one server");
        if (options.TryGetValue("Port", out var port) && !(ushort.TryParse(port, out var number) && number > 0))
            root.Fault("database", "database: Port takes a number, 1 to 65535");
        return new OnServer(options.ToImmutable());
    }

    private static OnServer WithPassword(FieldReader password, OnServer server, string? file, string? credential, uint? account)
    {
        if (file is not null && credential is not null)
            password.Fault("credential", "database_password takes either file or credential");
        if (credential is not null)
        {
            if (!NameForm().IsMatch(credential))
                password.Fault("credential", "database_password.credential takes the name of a systemd credential, such as database-password");
            return server with { Credential = credential };
        }
        if (file is null)
            return server;
        try
        {
            if (!Path.IsPathFullyQualified(file))
                password.Fault("file", "database_password.file takes an absolute path");
            else if (OwnFile.ReadSecret(file, account) is { Length: > 0 } secret)
                return server with { Password = Encoding.UTF8.GetString(secret) };
            else
                password.Fault("file", $"database_password.file: {file} is empty");
        }
        catch (Exception e) when (e is ExposedException or IOException or UnauthorizedAccessException)
        {
            // Whatever keeps the file from being read is a fault of this line.
            password.Fault("file", $"database_password.file: {e.Message}");
        }
        return server;
    }

    [GeneratedRegex("^[A-Za-z0-9_][A-Za-z0-9._-]{0,62}$")]
    private static partial Regex NameForm();
}
