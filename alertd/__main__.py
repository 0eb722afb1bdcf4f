from alertd.cli.main import main

main()
