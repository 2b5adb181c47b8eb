using System.Text;
using CertAuthority.Linux;
using CertAuthority.OpenSsh;
using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>The key that a login certifies: its source, and the place of its certificate.</summary>
internal abstract class LoginKey : IDisposable
{
    private protected const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Returns the key that the options choose. Errors in them are reported here, before any call to the daemon.</summary>
    /// <param name="home">The home; its key is used if no option names another.</param>
    /// <param name="publicKey"><c>--key</c>: the user's own public key.</param>
    /// <param name="result"><c>--out</c>: the place of the result.</param>
    /// <param name="agent">The places for the key of the home.</param>
    /// <exception cref="FailureException">The key does not exist, or a file that must not be replaced is in the way.</exception>
    public static LoginKey Chosen(Home home, string? publicKey, string? result, AgentUse agent) => (publicKey, result) switch
    {
        (null, null) => agent == AgentUse.Only ? new KeyOfAgent(home) : new KeyOfHome(home, agent),
        (null, { } path) => new FreshKey(path),
        ({ } path, _) => new OwnKey(path, result),
    };

    /// <summary>Returns the line of the public key.</summary>
    /// <param name="comment">The comment for a new key.</param>
    /// <param name="cancellation">Cancels the operation when the user interrupts it.</param>
    public abstract Task<string> PublicKey(string comment, CancellationToken cancellation);

    /// <summary>Stores the certificates.</summary>
    /// <param name="login">
    /// The result of the login; it has no certificates if each host needs its own, which comes later and for the same key.
    /// </param>
    /// <param name="warn">Receives warnings about harmless failures.</param>
    /// <param name="cancellation">Cancels the operation when the user interrupts it.</param>
    public abstract Task Save(LoggedIn login, Action<string> warn, CancellationToken cancellation);

    /// <summary>Refuses to replace a certificate that is not the user's own from this authority.</summary>
    /// <param name="ca">The authority.</param>
    /// <param name="user">The user to act as.</param>
    /// <param name="cancellation">Cancels the call to the daemon.</param>
    public virtual Task ExpectOwnCertificate(CaClient ca, string? user, CancellationToken cancellation) => Task.CompletedTask;

    /// <summary>
    /// The file that makes ssh accept the host certificates of this authority; null for a key whose certificate only lies beside it.
    /// </summary>
    public virtual HostCasFile? HostCas => null;

    /// <summary>Whether tsh itself uses the key.</summary>
    public virtual bool IsOfHome => false;

    /// <summary>The command to type next; null if tsh itself uses the key.</summary>
    public virtual string? Hint => null;

    /// <summary>Removes files that were created but not stored.</summary>
    public virtual void Dispose()
    {
    }

    /// <summary>Refuses to replace anything but a certificate.</summary>
    private protected static void ExpectCertificateOrNothing(string path)
    {
        ExpectFolder(path);
        if (Directory.Exists(path))
            throw new FailureException($"{path} is a directory");
        if (File.Exists(path) && Old(path) is null)
            throw new FailureException($"{path} exists and is not a certificate, so it is not replaced", "name another file with --out");
    }

    private protected static async Task ExpectOwn(string path, CaClient ca, string? user, CancellationToken cancellation)
    {
        if (!File.Exists(path) || Old(path) is not { } old)
            return;
        var authority = (await ca.Send(Routes.GetUserCas, new GetUserCas(), cancellation)).Keys;
        if (authority.Any(key => old.SignatureKey.Span.SequenceEqual(OpenSsh.PublicKey.ParseLine(key.PublicKey).ToBlob())))
            return;
        try
        {
            // The authority may have had another key when it signed this one.
            var recorded = await ca.Send(Routes.GetMyCertificate, new GetMyCertificate(old.Serial.ToString(), user), cancellation);
            if (recorded.KeyId == old.KeyId && (ulong)recorded.ValidBefore.ToUnixTimeSeconds() == old.ValidBefore)
                return;
        }
        catch (ProblemException unknown) when (unknown.Problem.Code == ProblemCode.NotFound)
        {
        }
        throw new FailureException($"{path} is a certificate of another authority, so it is not replaced", "name another file with --out");
    }

    private protected static CertificateOutline? Old(string path)
    {
        try
        {
            return KeyFile.Certificate(path);
        }
        catch (SshFormatException)
        {
            return null;
        }
    }

    /// <summary>The known_hosts file next to a result.</summary>
    private protected static string KnownHostsOf(string path) => path + "-known_hosts";

    private protected static void ExpectKnownHostsOrNothing(string path)
    {
        if (Directory.Exists(path)
            || (File.Exists(path) && !File.ReadAllText(path).StartsWith(OpenSsh.KnownHosts.AnyHost, StringComparison.Ordinal)))
            throw new FailureException($"{path} exists and is not from tsh, so it is not replaced", "name another file with --out");
    }

    private protected static void ExpectFolder(string path)
    {
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder && !Directory.Exists(folder))
            throw new FailureException($"the folder of {path} does not exist");
    }

    private protected static void Write(string path, string line) =>
        AtomicFile.Replace(path, Encoding.UTF8.GetBytes(line + "\n"), OwnerOnly);

    /// <summary>
    /// Returns the files for the certificates of a login: the first in the file that the options name, the others next to it.
    /// </summary>
    private protected static IEnumerable<(string File, OneCertificate Certificate)> Places(LoggedIn login, string first)
    {
        var stem = first.EndsWith("-cert.pub", StringComparison.Ordinal) ? first[..^"-cert.pub".Length] : first;
        foreach (var (n, one) in login.Certificates.Index())
        {
            // A file from another login of the same key stays: its certificate expires by itself.
            var file = n == 0 ? first : $"{stem}-{Home.CertificateName(one.Info)}-cert.pub";
            ExpectCertificateOrNothing(file);
            yield return (file, one);
        }
    }

    // ssh splits the values of its options at blanks.
    private protected static string Option(string name, string path) => Quoted($"{name}={path.Replace(" ", "\\ ")}");

    private protected static string Quoted(string path) =>
        path.Any(c => !char.IsAsciiLetterOrDigit(c) && !"/._-+@%:,=".Contains(c)) ? $"'{path.Replace("'", "'\\''")}'" : path;

    /// <summary>The key of tsh's home, on the disk.</summary>
    private sealed class KeyOfHome(Home home, AgentUse use) : LoginKey
    {
        private Agent? agent;
        private string? unusable;
        private string key = "";

        public override bool IsOfHome => true;

        public override HostCasFile HostCas => home.HostCas;

        public override async Task<string> PublicKey(string comment, CancellationToken cancellation)
        {
            try
            {
                agent = use switch
                {
                    AgentUse.Yes => await Agent.Expected(cancellation),
                    AgentUse.Auto => await Agent.Running(cancellation),
                    _ => null,
                };
            }
            catch (FailureException of) when (use == AgentUse.Auto)
            {
                unusable = of.Message;
            }
            return key = await home.EnsureKey(comment, cancellation);
        }

        public override async Task Save(LoggedIn login, Action<string> warn, CancellationToken cancellation)
        {
            home.SaveCertificates(login.Certificates, key);
            // If several logins run at once, the agent has the key that is on the disk.
            using var alone = home.Lock();
            foreach (var fault in (await Agent.Forget(home, cancellation)).Append(unusable).OfType<string>().Distinct())
                warn(fault);
            try
            {
                if (agent is not null && login.Certificates is not [])
                    await agent.Add(home, home.Key, login.Certificates, plainKey: null, cancellation);
            }
            catch (FailureException refused) when (use == AgentUse.Auto)
            {
                warn(refused.Message);
            }
        }
    }

    /// <summary>A new key at each login; only the ssh-agent has its private half.</summary>
    private sealed class KeyOfAgent(Home home) : LoginKey
    {
        private Agent? agent;
        private string? folder;
        private string publicKey = "";

        public override bool IsOfHome => true;

        public override HostCasFile HostCas => home.HostCas;

        public override async Task<string> PublicKey(string comment, CancellationToken cancellation)
        {
            agent = await Agent.Expected(cancellation);
            // ssh-keygen and ssh-add exchange keys through files. These have mode 0600 in a directory with mode 0700, in memory if
            // possible, and are deleted with this process.
            folder = Path.Combine(InMemory() ?? home.Folder, $"tsh.{Guid.NewGuid():n}");
            home.EnsureFolder();
            Directory.CreateDirectory(folder, OwnerOnly | UnixFileMode.UserExecute);
            await Keygen.Make(Key, comment, cancellation);
            return publicKey = (await File.ReadAllTextAsync(Key + ".pub", cancellation)).Trim();
        }

        public override async Task Save(LoggedIn login, Action<string> warn, CancellationToken cancellation)
        {
            using var alone = home.Lock();
            foreach (var fault in await Agent.Forget(home, cancellation))
                warn(fault);
            await agent!.Add(home, Key, login.Certificates, login.PerHost ? login.SessionEnds : null, cancellation);
            home.SavePublic(publicKey, login.Certificates);
        }

        public override void Dispose()
        {
            if (folder is not null)
                Directory.Delete(folder, recursive: true);
            base.Dispose();
        }

        private string Key => Path.Combine(folder!, "id");

        private static string? InMemory() =>
            UserFolders.Xdg("XDG_RUNTIME_DIR", null) is { } runtime && PrivateFolder.IsSafe(runtime) ? runtime
            : Directory.Exists("/dev/shm") ? "/dev/shm"
            : null;
    }

    /// <summary>The user's own key, on disk, in an agent or in hardware. tsh never looks for its private half.</summary>
    private sealed class OwnKey : LoginKey
    {
        private readonly string path;
        private readonly string key;
        private readonly string certificate;
        private readonly string? knownHosts;

        public OwnKey(string path, string? result)
        {
            this.path = path;
            key = KeyFile.PublicKey(path).ToString();
            if (KeyFile.SignsWithoutTouch(Stem))
                throw new FailureException(
                    $"{Stem} was made with no-touch-required, and hosts refuse what a security key signs without a touch",
                    "make one that wants a touch: ssh-keygen -t ed25519-sk");
            certificate = result ?? Stem + "-cert.pub";
            ExpectCertificateOrNothing(certificate);
            knownHosts = result is null ? null : KnownHostsOf(result);
            if (knownHosts is not null)
                ExpectKnownHostsOrNothing(knownHosts);
        }

        // ssh looks for FILE-cert.pub next to the private key FILE.
        private string Stem => path.EndsWith(".pub", StringComparison.Ordinal) ? path[..^4] : path;

        public override string Hint
        {
            get
            {
                var identity = File.Exists(Stem) ? Stem : path;
                var elsewhere = certificate == identity + "-cert.pub" ? "" : $"-o {Option("CertificateFile", certificate)} ";
                var known = knownHosts is null ? "" : $"-o {Option("UserKnownHostsFile", knownHosts)} ";
                return $"ssh -i {Quoted(identity)} {elsewhere}{known}LOGIN@HOST";
            }
        }

        public override Task<string> PublicKey(string comment, CancellationToken cancellation) => Task.FromResult(key);

        public override Task ExpectOwnCertificate(CaClient ca, string? user, CancellationToken cancellation) =>
            ExpectOwn(certificate, ca, user, cancellation);

        public override HostCasFile? HostCas => knownHosts is null
            ? null
            : new HostCasFile(knownHosts, $"tsh login --key {Quoted(path)} --out {Quoted(certificate)}");

        public override Task Save(LoggedIn login, Action<string> warn, CancellationToken cancellation)
        {
            foreach (var (file, one) in Places(login, certificate))
                Write(file, one.Certificate);
            return Task.CompletedTask;
        }
    }

    /// <summary>
    /// A new key, next to its certificate and the known_hosts file. It appears together with the certificate or not at all. A key from an
    /// earlier login gets a new certificate: a private key is never replaced.
    /// </summary>
    private sealed class FreshKey : LoginKey
    {
        private readonly string path;
        private readonly string temporary;
        private readonly string? renewed;

        public FreshKey(string path)
        {
            this.path = path;
            temporary = $"{path}.{Guid.NewGuid():n}";
            ExpectFolder(path);
            ExpectCertificateOrNothing(Certificate);
            renewed = KeyOfEarlierLogin();
            if (renewed is null)
                foreach (var present in new[] { path, path + ".pub" })
                    if (Path.Exists(present))
                        throw new FailureException(
                            $"{present} exists, and a key is never replaced",
                            $"to certify the key that is there: tsh login --key {Quoted(path)}.pub");
            ExpectKnownHostsOrNothing(KnownHostsOf(path));
        }

        public override string Hint => $"ssh -i {Quoted(path)} -o {Option("UserKnownHostsFile", KnownHostsOf(path))} LOGIN@HOST";

        private string Certificate => path + "-cert.pub";

        public override async Task<string> PublicKey(string comment, CancellationToken cancellation)
        {
            if (renewed is not null)
                return renewed;
            await Keygen.Make(temporary, comment, cancellation);
            return (await File.ReadAllTextAsync(temporary + ".pub", cancellation)).Trim();
        }

        public override Task ExpectOwnCertificate(CaClient ca, string? user, CancellationToken cancellation) =>
            ExpectOwn(Certificate, ca, user, cancellation);

        public override Task Save(LoggedIn login, Action<string> warn, CancellationToken cancellation)
        {
            if (login.Certificates is [])
                return Task.CompletedTask;
            if (renewed is null)
            {
                File.SetUnixFileMode(temporary + ".pub", OwnerOnly);
                File.Move(temporary, path, overwrite: false);
                File.Move(temporary + ".pub", path + ".pub", overwrite: false);
            }
            foreach (var (file, one) in Places(login, Certificate))
                Write(file, one.Certificate);
            return Task.CompletedTask;
        }

        public override HostCasFile HostCas => new(KnownHostsOf(path), $"tsh login --out {Quoted(path)}");

        public override void Dispose()
        {
            File.Delete(temporary);
            File.Delete(temporary + ".pub");
            base.Dispose();
        }

        // A login leaves three files that belong together.
        private string? KeyOfEarlierLogin()
        {
            if (!File.Exists(path) || !File.Exists(path + ".pub") || !File.Exists(Certificate))
                return null;
            var key = KeyFile.PublicKey(path + ".pub");
            return Old(Certificate)!.Key.Span.SequenceEqual(key.ToBlob()) ? key.ToString() : null;
        }
    }
}
