namespace CertAuthority.Tests.EndToEnd;

/// <summary>What the daemon obeys, runs or keeps its secrets in, in places where somebody else could change it: it does not start, and says what to do.</summary>
public sealed class ExposedFilesTests
{
    // S stands for the folder in which all of it lies.
    public static TheoryData<string, string, string> Spoiled => new()
    {
        { "configuration of somebody else", "chown 5001 etc/certauthority.yaml", "S/etc/certauthority.yaml: S/etc/certauthority.yaml belongs to uid 5001, who could change it; run: chown 0 S/etc/certauthority.yaml" },
        { "configuration that all can write", "chmod 666 etc/certauthority.yaml", "S/etc/certauthority.yaml: S/etc/certauthority.yaml has mode 0666, so that others can write there; run: chmod go-w S/etc/certauthority.yaml" },
        { "folder of it", "chmod g+w etc", "S/etc/certauthority.yaml: S/etc has mode 0775, so that others can write there; run: chmod go-w S/etc" },
        { "empty conf.d", "chmod 777 etc/conf.d", "S/etc/conf.d: S/etc/conf.d has mode 0777, so that others can write there; run: chmod go-w S/etc/conf.d" },
        { "part in conf.d", "touch etc/conf.d/x.yaml; chmod 664 etc/conf.d/x.yaml", "S/etc/conf.d/x.yaml: S/etc/conf.d/x.yaml has mode 0664, so that others can write there; run: chmod go-w S/etc/conf.d/x.yaml" },
        { "link of somebody else", "mv etc/certauthority.yaml elsewhere; ln -s ../elsewhere etc/certauthority.yaml; chown -h 5001 etc/certauthority.yaml",
            "S/etc/certauthority.yaml: S/etc/certauthority.yaml belongs to uid 5001, who could change it; run: chown -h 0 S/etc/certauthority.yaml" },
        { "what a link leads to", "mkdir -m 777 open; mv etc/certauthority.yaml open; ln -s ../open/certauthority.yaml etc/certauthority.yaml",
            "S/etc/certauthority.yaml: S/open has mode 0777, so that others can write there; run: chmod go-w S/open" },
        { "FIFO as configuration", "rm etc/certauthority.yaml; mkfifo etc/certauthority.yaml", "S/etc/certauthority.yaml: this is not a regular file" },
        { "notify command", "chmod 777 bin/tell", "S/etc/certauthority.yaml:1:20: notify.command: S/bin/tell has mode 0777, so that others can write there; run: chmod go-w S/bin/tell" },
        { "folder of the notify command", "chown 5001 bin", "S/etc/certauthority.yaml:1:20: notify.command: S/bin belongs to uid 5001, who could change it; run: chown 0 S/bin" },
        { "secret of somebody else", "chown 5001 secret", "S/etc/certauthority.yaml:2:28: notify.webhooks.secret_file: S/secret belongs to uid 5001, who could change it; run: chown 0 S/secret" },
        { "FIFO as secret", "rm secret; mkfifo -m 600 secret", "S/etc/certauthority.yaml:2:28: notify.webhooks.secret_file: this is not a regular file" },
        { "ssh_config of push", "chmod 666 ssh_config", "S/etc/certauthority.yaml:3:20: push.ssh_config: S/ssh_config has mode 0666, so that others can write there; run: chmod go-w S/ssh_config" },
        { "parent of the data directory", "chmod 777 up", "S/up has mode 0777, so that others can write there; run: chmod go-w S/up" },
        { "parent of publish_dir", "chmod 777 pub", "S/pub has mode 0777, so that others can write there; run: chmod go-w S/pub" },
        { "link as key", "mv up/data/user_ca kept; ln -s ../../kept up/data/user_ca", "S/up/data/user_ca is a symbolic link; put the file itself there" },
        { "key with another name", "ln up/data/user_ca kept", "S/up/data/user_ca has 2 names, and somebody else could hold it under another one; run: cp -p S/up/data/user_ca S/up/data/user_ca.new && mv S/up/data/user_ca.new S/up/data/user_ca" },
        { "link as database", "ln -s /etc/hostname up/data/certauthority.db", "S/up/data/certauthority.db is a symbolic link; put the file itself there" },
        { "database of somebody else", "touch up/data/certauthority.db; chown 5001 up/data/certauthority.db", "S/up/data/certauthority.db belongs to uid 5001, and this process runs as uid 0; run: chown 0 S/up/data/certauthority.db" },
    };

    [PeopleTheory]
    [MemberData(nameof(Spoiled))]
    public async Task Exposed_file_stops_the_start(string what, string spoil, string told)
    {
        using var scratch = new Scratch();
        await Make(scratch, spoil);

        var refused = await TestDaemon.Refuses(scratch, "--config", scratch["etc"], "--data-dir", scratch["up/data"]);

        Assert.Equal((1, ""), (refused.ExitCode, refused.Output));
        Assert.True(refused.Error.EndsWith($"certauthority: error: {told.Replace("S/", $"{scratch.Path}/", StringComparison.Ordinal)}\n", StringComparison.Ordinal), $"{what}: {refused.Error}");
    }

    // The package's secrets belong to its account, and it is root who checks the configuration.
    [PeopleFact]
    public async Task Check_by_root_expects_files_of_the_data_owner()
    {
        using var scratch = new Scratch();
        await Make(scratch, "chown -R 5001 up/data secret etc");

        Assert.Equal("the configuration is good\n", (await Check()).Done());
        await TestDebian.Run("chown", "5002", scratch["secret"]);
        Assert.EndsWith($"{scratch["secret"]} belongs to uid 5002, who could change it; run: chown 5001 {scratch["secret"]}\n", (await Check()).Error);

        Task<Outcome> Check() => TestDebian.Run(Path.Combine(World.Programs, "certauthority"), "--check-config", "--config", scratch["etc"], "--data-dir", scratch["up/data"]);
    }

    private static async Task Make(Scratch scratch, string spoil) =>
        (await TestDebian.Run("sh", "-ec", $$"""
            cd {{scratch.Path}}
            umask 022
            mkdir -p etc/conf.d bin up pub
            mkdir -m 700 up/data
            ssh-keygen -q -t ed25519 -N '' -f up/data/user_ca
            printf '#!/bin/sh\n' >bin/tell; chmod 755 bin/tell
            (umask 077; echo 0123456789abcdef0123456789abcdef >secret)
            touch ssh_config
            echo "notify: {command: [{{scratch.Path}}/bin/tell],
              webhooks: [{secret_file: {{scratch.Path}}/secret, name: a, url: https://a.example}]}
            push: {ssh_config: {{scratch.Path}}/ssh_config}
            publish_dir: {{scratch.Path}}/pub/hosts" >etc/certauthority.yaml
            {{spoil}}
            """)).Done();
}
