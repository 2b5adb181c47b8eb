using System.Collections.Immutable;
using CertAuthority.Access.Users;
using CertAuthority.Api;
using CertAuthority.Configuration;
using CertAuthority.Linux;
using CertAuthority.Operations;
using CertAuthority.Tests.Unit.Jobs;

namespace CertAuthority.Tests.Unit.Api;

public class ServingTests
{
    [Fact]
    public async Task Reload_during_calls_is_seen_whole_or_not_at_all()
    {
        await using var world = await HostWorld.Start();
        var (before, after) = (Generation(1), Generation(2));
        var settings = new CurrentSettings(before);
        var serving = new Serving(new CurrentAuthority(world.Authority, settings), settings, self: 900, new NameService(TimeProvider.System, _ => null));
        using var isOver = new CancellationTokenSource();
        var reloads = Task.Run(() =>
        {
            while (!isOver.IsCancellationRequested)
            {
                settings.Replace(after);
                settings.Replace(before);
            }
        });

        for (var i = 0; i < 20_000; i++)
        {
            var (ca, callers) = serving.Now();
            var caller = new Caller(new UnixIdentity(5001, $"admin{ca.Limits.LoginsPerMinute}"), IsRoot: false);
            Assert.Contains(caller.Identity.Account!, ca.PrivilegedLogins);
            Assert.Equal(caller.Identity.Account, Assert.Single(ca.UsersFromGroups.Groups));
            Assert.True(await callers.May(caller, Who.Administrators, Standing.User));
        }

        await isOver.CancelAsync();
        await reloads;
    }

    private static SettingsInForce Generation(int number)
    {
        var settings = Settings.Default();
        return new SettingsInForce(
            settings with
            {
                Administrators = new NamedAccounts([$"admin{number}"], []),
                Limits = settings.Limits with { LoginsPerMinute = number },
                UsersFromGroups = new UsersFromGroups(ImmutableSortedDictionary<string, ImmutableArray<string>>.Empty.Add($"admin{number}", ["dba"])),
            },
            [$"admin{number}"]);
    }
}
